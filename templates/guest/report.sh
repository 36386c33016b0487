#!/bin/sh
# Says on every console of the machine that systemd has finished booting, and how:
#
#   vsec: failed-unit NAME: RESULT          one line for each failed unit
#   vsec: failed-log NAME: TEXT             the end of that unit's journal
#   vsec: up seconds=S failed=N units=A,B rootfs-uuid=UUID [xen=ROLE]
#
# A field without a value is "-"; ROLE is dom0, PV, PVH or HVM, and only said under Xen. The last
# line comes last.

LC_ALL=C
PATH=/usr/sbin:/usr/bin:/sbin:/bin
export LC_ALL PATH

seconds_up() {
    read -r up _ 2>/dev/null </proc/uptime && printf '%s' "${up%?}"
}

failed_units() {
    systemctl list-units --state=failed --plain --no-legend --no-pager 2>/dev/null |
        while read -r unit _; do printf '%s\n' "$unit"; done
}

root_uuid() {
    findmnt --noheadings --output UUID / 2>/dev/null
}

xen_role() {
    read -r type 2>/dev/null </sys/hypervisor/type && [ "$type" = xen ] || return 0
    # Bit 11 is XENFEAT_dom0 (xen/public/features.h).
    if read -r features 2>/dev/null </sys/hypervisor/properties/features &&
        [ $((0x$features >> 11 & 1)) = 1 ]; then
        echo dom0
    else
        cat /sys/hypervisor/guest_type 2>/dev/null
    fi
}

describe() {
    for unit in $1; do
        result=$(systemctl show --property=Result --value "$unit" 2>/dev/null)
        printf 'vsec: failed-unit %s: %s\n' "$unit" "${result:-unknown}"
        journalctl --unit="$unit" --lines=8 --output=cat --no-pager --quiet 2>/dev/null |
            while IFS= read -r line; do printf 'vsec: failed-log %s: %s\n' "$unit" "$line"; done
    done
}

# A console may be listed and have nothing behind it: a write to it fails or blocks.
say() {
    read -r consoles 2>/dev/null </sys/class/tty/console/active || return 0
    for console in $consoles; do
        [ -c "/dev/$console" ] || continue
        printf '\n%s\n' "$1" | timeout 5 tee "/dev/$console" >/dev/null 2>&1
    done
}

systemctl is-system-running --wait >/dev/null 2>&1

seconds=$(seconds_up)
failed=$(failed_units)
count=0
names=
for unit in $failed; do
    count=$((count + 1))
    names=${names:+$names,}$unit
done
uuid=$(root_uuid)
role=$(xen_role)
report="vsec: up seconds=${seconds:--} failed=$count units=${names:--} rootfs-uuid=${uuid:--}${role:+ xen=$role}"
details=$(describe "$failed")
[ -z "$details" ] || report="$details
$report"

# A login prompt that starts at this moment hangs up its terminal and loses what was just written.
for pause in 3 5 0; do
    say "$report"
    sleep "$pause"
done
exit 0
