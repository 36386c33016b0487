# Fills this machine's disk with the image and halts. The file system gets the label that boot
# menus and kernel arguments know it by last of all, once every byte is verified: a disk that was
# filled half, or with something else, is never anybody's root.

label=$(argument vsec.label)
uuid=$(argument vsec.uuid)
root=/new

step disk
disk=$(argument vsec.disk)
if [ -z "$disk" ]; then
    for name in xvda vda sda nvme0n1; do
        [ ! -b "/dev/$name" ] || { disk=/dev/$name; break; }
    done
fi
[ -n "$disk" ] && [ -b "$disk" ] || failed no-disk "there is no disk ${disk:-to fill}"
part=${disk}1
case $disk in *[0-9]) part=${disk}p1 ;; esac

undo() {
    cd /
    umount "$root" 2>/dev/null
    # Neither what was begun nor what was there before may be taken for a system.
    [ ! -b "$part" ] || dd if=/dev/zero of="$part" bs=1M count=1 2>/dev/null
    dd if=/dev/zero of="$disk" bs=1M count=1 2>/dev/null
}

# One partition, of the type of a root file system on x86-64, by GPT.
/usr/bin/sfdisk --quiet --wipe always --wipe-partitions always "$disk" >/run/sfdisk.log 2>&1 <<EOF ||
label: gpt
start=2048, type=4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709, name=root
EOF
    failed no-partition "$disk: $(tail -n 1 /run/sfdisk.log)"
tries=0
while [ ! -b "$part" ]; do
    tries=$((tries + 1))
    [ "$tries" -lt 50 ] || failed no-partition "$part does not appear"
    usleep 100000
done
/usr/bin/mke2fs -q -F -t ext4 -b 4096 -m 1 -U "$uuid" -O '^metadata_csum_seed,^orphan_file' \
    -E lazy_itable_init=1,lazy_journal_init=1 "$part" 2>/run/mke2fs.log ||
    failed no-file-system "$part: $(tail -n 1 /run/mke2fs.log)"
mount -t ext4 "$part" "$root" 2>/run/mount.log ||
    failed no-mount "$part: $(tail -n 1 /run/mount.log)"
passed "$part on $root, $(($(cat "/sys/class/block/${part##*/}/size") / 2048)) MiB"

unpack() {
    set -o pipefail
    /usr/bin/zstd -dcq 2>/run/sink | {
        # In large pieces: where a hypervisor takes part in it, each system call costs.
        /usr/bin/tar -xf - -b 512 -C "$root" --numeric-owner -p \
            --xattrs --xattrs-include='*' 2>>/run/sink
        unpacked=$?
        # tar stops at the end of the archive, before the zeros behind it: zstd shall not miss it.
        cat >/dev/null
        exit "$unpacked"
    }
    unpacked=$?
    # The digest is of everything that comes, also of what could not be unpacked.
    cat >/dev/null
    return "$unpacked"
}

step transfer
case $images in
rsync://*) . /lib/shim/rsync.sh ;;
*) transfer unpack ;;
esac
passed "$size bytes, SHA-256 as it must be"

step configure
configure_node "$root"
printf 'LABEL=%s / ext4 defaults,errors=remount-ro 0 1\n' "$label" >"$root/etc/fstab"
for needed in vmlinuz boot/grub/grub.cfg; do
    [ -e "$root/$needed" ] || [ -L "$root/$needed" ] || note "the image has no /$needed"
done
passed "hostname $hostname, root LABEL=$label"

step finish
sync
umount "$root" || failed busy-disk "$root cannot be unmounted"
/usr/bin/tune2fs -L "$label" "$part" >/run/tune2fs.log 2>&1 ||
    failed no-label "$part: $(tail -n 1 /run/tune2fs.log)"
sync
passed "$part is a root now"
printf 'vsec: netboot done at=%s\n' "$(uptime_now)"
poweroff -f
