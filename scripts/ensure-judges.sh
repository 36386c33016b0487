#!/bin/sh
# The host tools that tests ask for a second opinion. vsec itself needs none of them.
# As root on a machine with apt they are installed; else it says what will be skipped.
set -eu

missing=''
packages=''
need() { # program package
  PATH="$PATH:/usr/sbin:/sbin" command -v "$1" >/dev/null 2>&1 && return
  missing="$missing $1"
  packages="$packages $2"
}
need unshare util-linux
need newuidmap uidmap
need mmdebstrap mmdebstrap
need debootstrap debootstrap
need debsums debsums
need e2fsck e2fsprogs
need sgdisk gdisk
need qemu-img qemu-utils
need grub-script-check grub-common
need virt-xml-validate libvirt-clients
need xmllint libxml2-utils
need shellcheck shellcheck
need time time
need zstd zstd
need rsync rsync
need unsquashfs squashfs-tools
need docker-registry docker-registry
need ssh-keygen openssh-client
need openssl openssl
need zsh zsh
need fish fish
# xl itself starts on Xen alone; this is the library that it reads configurations with.
ls /usr/lib/*/libxlutil.so.4.17 >/dev/null 2>&1 || {
  missing="$missing libxlutil"
  packages="$packages libxenmisc4.17"
}

[ -n "$missing" ] || exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1 && [ -z "${VSEC_NO_APT:-}" ]; then
  echo "installing judges for the tests:$packages"
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -q >/dev/null
  # The registry is a program for tests, not a service that starts here and listens to everybody:
  # the first line is for systemd, the second (invoke-rc.d, single-user) for other inits.
  [ ! -d /run/systemd/system ] || systemctl mask --quiet docker-registry.service || true
  export RUNLEVEL=1
  # shellcheck disable=SC2086
  apt-get install -q -y --no-install-recommends $packages >/dev/null
else
  echo "tests that need one of these programs will be skipped:$missing"
  echo "on Debian: apt-get install$packages"
fi
