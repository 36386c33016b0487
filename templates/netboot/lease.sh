#!/bin/sh
# What udhcpc calls with the answer: takes the address, and keeps what the shim asks for later.
[ "$1" = bound ] || [ "$1" = renew ] || exit 0
ip addr flush dev "$interface"
ip addr add "$ip/${mask:-24}" dev "$interface"
for hop in $router; do
    ip route add default via "$hop" dev "$interface" && break
done
{
    printf 'address %s\n' "$ip"
    printf 'server %s\n' "${siaddr:-$serverid}"
} >/run/lease
