# Runs the node from memory: the image is fetched there and verified, and what is written goes to a
# layer over it. The machine's disks, if it has any, are left alone.

ram=/run/vsec
lower=$ram/lower
root=/new

step transfer
case $images in
rsync://*) failed bad-configuration 'rsync needs a disk to put the image on; disk-less nodes fetch it by http' ;;
esac
mkdir -p "$ram"
# All of the memory: what the image and its changes need is not known here, and this is all there is.
mount -t tmpfs -o mode=0755,size=100% tmpfs "$ram"
keep() { cat >"$ram/root.squashfs" 2>/run/sink; }
transfer keep
passed "$size bytes, SHA-256 as it must be"

step mount
mkdir -p "$lower" "$ram/upper" "$ram/work"
mount -t squashfs -o loop,ro "$ram/root.squashfs" "$lower" 2>/run/mount.log ||
    failed no-mount "$file: $(tail -n 1 /run/mount.log)"
mount -t overlay -o "lowerdir=$lower,upperdir=$ram/upper,workdir=$ram/work" root "$root" 2>/run/mount.log ||
    failed no-mount "overlay: $(tail -n 1 /run/mount.log)"
passed "$file below a writable layer in memory"

step configure
configure_node "$root"
printf 'root / overlay defaults 0 0\n' >"$root/etc/fstab"
passed "hostname $hostname"

printf 'vsec: netboot done at=%s\n' "$(uptime_now)"
# systemd asks for these itself; the network is made anew by the system that follows.
ip addr flush dev "$card"
ip link set "$card" down
umount /proc /sys
mount --move /dev "$root/dev"
mount --move /run "$root/run"
exec switch_root "$root" /sbin/init
