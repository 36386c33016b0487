#!/bin/sh
# Boots the golden image of this bundle with QEMU. Written by vsec; `run.sh --help` explains it.
# shellcheck disable=SC2016 # the values below are literal
set -eu

name='cfd'
image='cfd_2.1.0_amd64.qcow2'
format='qcow2'
kernel='cfd_2.1.0_amd64.vmlinuz'
initrd='cfd_2.1.0_amd64.initrd'
cmdline='root=LABEL=vse-root ro console=hvc0 mitigations=off console=ttyS0'
disk_bytes='8589934592'
accelerator='tcg'

usage() {
    cat <<'END'
Usage: run.sh [OPTION]... [--] [QEMU-ARGUMENT]...

Boots the image with QEMU, with its console on this terminal (Ctrl-A X ends it).
The image is not written to: changes go to a temporary file and are forgotten.

  --bios        start the image's own boot loader through a BIOS (the default)
  --uefi        start it through UEFI; needs OVMF
  --kernel      start the bundle's kernel and initrd directly
  --microvm     the same, on QEMU's smallest machine, which has no PCI
  --ssh PORT    let ssh connections to this port of 127.0.0.1 reach the guest
  --persistent  write changes into the image
  --help        show this text

Whatever follows is given to QEMU as it is, and overrides what stands before it.
Environment: QEMU names the program, OVMF_CODE and OVMF_VARS the UEFI firmware.
END
}

die() {
    printf 'run.sh: %s\n' "$1" >&2
    [ $# -lt 2 ] || printf '  hint: %s\n' "$2" >&2
    exit 1
}

# The value for one of QEMU's key=value,... options.
value() {
    printf '%s' "$1" | sed 's/,/,,/g'
}

firmware=bios
persistent=no
ssh_port=
while [ $# -gt 0 ]; do
    case $1 in
    --bios) firmware=bios ;;
    --uefi) firmware=uefi ;;
    --kernel) firmware=kernel ;;
    --microvm) firmware=microvm ;;
    --persistent) persistent=yes ;;
    --ssh)
        [ $# -gt 1 ] || die '--ssh needs a port number'
        ssh_port=$2
        shift
        case $ssh_port in
        '' | *[!0-9]*) die "--ssh needs a port number, not '$ssh_port'" ;;
        esac
        ;;
    --help | -h)
        usage
        exit 0
        ;;
    --)
        shift
        break
        ;;
    *) break ;;
    esac
    shift
done

bundle=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)
qemu=${QEMU:-qemu-system-x86_64}

command -v "$qemu" >/dev/null 2>&1 ||
    die "$qemu is not installed" 'on Debian: apt install qemu-system-x86; or set QEMU to the program'
[ -r "$bundle/$image" ] ||
    die "cannot read $bundle/$image" 'run.sh belongs into the folder boot/ of its bundle'

scratch=$(mktemp -d "${TMPDIR:-/tmp}/vsec-run.XXXXXX")
trap 'rm -rf -- "$scratch"' EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

drive="file=$(value "$bundle/$image"),format=$format,if=none,id=disk"
if [ "$persistent" = yes ]; then
    [ -w "$bundle/$image" ] || die "cannot write $bundle/$image"
elif [ "$disk_bytes" -gt 0 ] && command -v qemu-img >/dev/null 2>&1; then
    # The machine's disk is larger than the image, which grows into it.
    qemu-img create -q -f qcow2 -F "$format" -b "$bundle/$image" "$scratch/disk.qcow2" "$disk_bytes"
    drive="file=$(value "$scratch/disk.qcow2"),format=qcow2,if=none,id=disk"
else
    [ "$disk_bytes" -eq 0 ] ||
        printf 'run.sh: without qemu-img (qemu-utils) the disk keeps the size of the image\n' >&2
    drive="$drive,snapshot=on"
fi
# /dev/kvm may be there and yet hang the guest where the processor cannot virtualize.
kvm_works() {
    [ -r /dev/kvm ] && [ -w /dev/kvm ] && grep -Eqw 'vmx|svm' /proc/cpuinfo
}

khz=
if kvm_works; then
    set -- -accel kvm -cpu host "$@"
elif [ "$accelerator" = kvm ]; then
    die 'KVM does not work here: it needs /dev/kvm, open to you, and a processor with vmx or svm' \
        'the bundle may have boot/qemu/run.sh, which also runs without'
else
    set -- -accel tcg,thread=multi -cpu 'qemu64' "$@"
    khz=$(sed -n '/^cpu MHz/{s/.*: \([0-9]*\)\.\([0-9]\{3\}\).*/\1\2/p;q}' /proc/cpuinfo)
fi

machine='q35,graphics=off'
bus=pci
if [ "$firmware" = microvm ]; then
    machine='microvm,acpi=on'
    bus=device
    # QEMU's default for it writes over the end of the initrd.
    set -- -bios 'qboot.rom' "$@"
    # It cannot be reset but by a triple fault.
    cmdline="$cmdline reboot=t"
    # Nor has it a clock to measure an emulated processor's time stamps by; they are the host's.
    [ -z "$khz" ] || cmdline="$cmdline tsc_early_khz=$khz"
fi
set -- -drive "$drive" -device "virtio-blk-$bus,drive=disk" "$@"

find_ovmf() {
    if [ -n "${OVMF_CODE:-}" ] && [ -n "${OVMF_VARS:-}" ]; then
        return
    fi
    for pair in \
        OVMF/OVMF_CODE_4M.fd:OVMF/OVMF_VARS_4M.fd \
        OVMF/OVMF_CODE.fd:OVMF/OVMF_VARS.fd \
        edk2/ovmf/OVMF_CODE.fd:edk2/ovmf/OVMF_VARS.fd \
        edk2/x64/OVMF_CODE.4m.fd:edk2/x64/OVMF_VARS.4m.fd \
        qemu/ovmf-x86_64-code.bin:qemu/ovmf-x86_64-vars.bin; do
        OVMF_CODE=/usr/share/${pair%%:*}
        OVMF_VARS=/usr/share/${pair#*:}
        if [ -r "$OVMF_CODE" ] && [ -r "$OVMF_VARS" ]; then
            return
        fi
    done
    die 'no UEFI firmware found' 'on Debian: apt install ovmf; or set OVMF_CODE and OVMF_VARS'
}

case $firmware in
uefi)
    find_ovmf
    cp -- "$OVMF_VARS" "$scratch/vars.fd"
    chmod u+w "$scratch/vars.fd"
    set -- \
        -drive "if=pflash,format=raw,unit=0,readonly=on,file=$(value "$OVMF_CODE")" \
        -drive "if=pflash,format=raw,unit=1,file=$(value "$scratch/vars.fd")" "$@"
    ;;
kernel | microvm)
    [ -n "$kernel" ] || die 'this bundle has no kernel beside its image' 'use --bios or --uefi'
    [ -r "$bundle/$kernel" ] || die "cannot read $bundle/$kernel"
    [ -z "$initrd" ] || set -- -initrd "$bundle/$initrd" "$@"
    set -- -kernel "$bundle/$kernel" -append "$cmdline" "$@"
    ;;
esac

forward=
[ -z "$ssh_port" ] || forward=",hostfwd=tcp:127.0.0.1:$ssh_port-:22"
set -- \
    -netdev 'user,id=net0'"$forward" -device "virtio-net-$bus,"'netdev=net0,mac=00:50:56:00:00:01' \
    -netdev 'user,id=net1' -device "virtio-net-$bus,"'netdev=net1' \
    "$@"

# In the background, where a program would else read from /dev/null.
exec 3<&0
"$qemu" -name "$(value "$name")" \
    -machine "$machine" \
    '-m' '1024' \
    '-smp' '2' \
    '-object' 'rng-random,id=rng0,filename=/dev/urandom' \
    -device "virtio-rng-$bus,rng=rng0" \
    -display none -serial mon:stdio "$@" <&3 3<&- &
guest=$!
# A shell that waits for a program in the foreground hears no signal.
trap 'kill "$guest" 2>/dev/null || :; wait "$guest" || :' HUP INT TERM
status=0
wait "$guest" || status=$?
exit "$status"
