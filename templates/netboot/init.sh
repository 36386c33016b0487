#!/bin/sh
# The first process of the netboot shim. What it is to do is on the kernel's command line:
#
#   vsec.mode=install|diskless   fill this machine's disk and halt, or run from memory
#   vsec.image=NAME              the bundle, which the head node must have for this node
#   vsec.file=NAME               its image, a tar.zst or a squashfs, as the image server names it
#   vsec.sha256=HEX vsec.size=N  what that must be
#   vsec.label=L vsec.uuid=U     of the root file system to make
#   vsec.server=URL              the head node; whoever answered by DHCP when it is missing
#   vsec.key=BASE64              its signify key: nothing that it says is believed without
#   vsec.unsigned                configuration without a signature is accepted
#   vsec.disk=/dev/D             instead of the first disk that there is
#   vsec.wait                    stay up for a look when a step fails
export PATH=/usr/bin:/bin
export LC_ALL=C

/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t sysfs sysfs /sys
/bin/busybox mount -t devtmpfs devtmpfs /dev
/bin/busybox mount -t tmpfs tmpfs /run
/bin/busybox --install -s /bin
dmesg -n 4

. /lib/shim/common.sh

step drivers
while read -r module; do insmod "/lib/modules/$module" 2>/dev/null; done </lib/modules/order
count=$(wc -l </proc/modules)
passed "$count modules"

network
configuration

case $(argument vsec.mode) in
install) . /lib/shim/install.sh ;;
diskless) . /lib/shim/diskless.sh ;;
*) failed unknown-mode "vsec.mode is '$(argument vsec.mode)'" ;;
esac
