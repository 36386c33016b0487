#!/bin/sh
# The life of this bundle's guest on a host with Palacios. Written by vsec; `v3.sh help` explains.
# shellcheck disable=SC2016 # the values below are literal
set -eu

name='cfd'
image='cfd_2.1.0_amd64.raw'
on_disk='cfd_2.1.0_amd64.xml'
packed='cfd_2.1.0_amd64-packed.xml'

usage() {
    cat <<'END'
Usage: v3.sh create|create-packed
       v3.sh launch|pause|continue|stop DEVICE

  create         make the guest; its disk is the bundle's image, which it writes to
  create-packed  make the guest with a copy of the whole image in the host's memory
  launch, …      what becomes of it, by the device that Palacios made: /dev/v3-vm0
END
}

die() {
    printf 'v3.sh: %s\n' "$1" >&2
    exit 1
}

# `v3_create` reads file names in a configuration from the current folder.
create() {
    here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
    cd -- "$here/../.."
    [ -r "$image" ] || die "cannot read $image in $here/../.."
    exec v3_create -b "$here/$1" "$name"
}

[ $# -gt 0 ] || {
    usage >&2
    exit 2
}
command=$1
shift
case $command in
create) create "$on_disk" ;;
create-packed) create "$packed" ;;
launch | pause | continue | stop)
    [ $# -eq 1 ] || die "$command needs the guest's device, such as /dev/v3-vm0"
    exec "v3_$command" "$1"
    ;;
help | --help | -h) usage ;;
*)
    usage >&2
    exit 2
    ;;
esac
