# What both ways to start a node have in common: steps and their times on the console, the network,
# what the head node says, and an image that is verified while it comes. For BusyBox's shell.
#
# On the console each step is one line, and so is the end:
#   vsec: netboot step NAME at=SECONDS took=SECONDS: TEXT
#   vsec: netboot failed NAME reason=WORD at=SECONDS: TEXT
#   vsec: netboot done at=SECONDS

uptime_now() { read -r up _ </proc/uptime && printf '%s' "$up"; }

step() {
    current=$1
    begun=$(uptime_now)
}

passed() {
    now=$(uptime_now)
    took=$(awk -v a="$begun" -v b="$now" 'BEGIN { printf "%.2f", b - a }')
    printf 'vsec: netboot step %s at=%s took=%s: %s\n' "$current" "$now" "$took" "$1"
}

note() { printf 'vsec: netboot note %s: %s\n' "$current" "$1"; }

# What a step has to take back when a later one fails.
undo() { :; }

failed() {
    # Not where this was called: that may be within a substitution or a pipe.
    exec >/dev/console 2>&1
    undo
    printf 'vsec: netboot failed %s reason=%s at=%s: %s\n' "$current" "$1" "$(uptime_now)" "$2"
    if has_argument vsec.wait; then
        echo 'vsec: netboot stays up for a look; poweroff -f ends it'
        # With the console as its terminal, so that Ctrl-C works.
        setsid cttyhack sh
    fi
    sync
    poweroff -f
    # Nothing may follow a failure, also where the machine cannot be switched off.
    while :; do sleep 3600; done
}

argument() {
    for word in $(cat /proc/cmdline); do
        case $word in "$1="*) printf '%s' "${word#*=}" ;; esac
    done
}

has_argument() {
    for word in $(cat /proc/cmdline); do [ "$word" != "$1" ] || return 0; done
    return 1
}

# The value of a key in a document of the head node. Values are plain words; what is not is refused,
# so that none of them can mean anything to this shell or to a file that it is written into.
value() {
    found=$(sed -n "s/^$1 //p" "$2" | head -n 1)
    case $found in *[!A-Za-z0-9.:/_\ -]*) failed bad-configuration "'$1' has characters that it may not have" ;; esac
    printf '%s' "$found"
}

network() {
    step dhcp
    ip link set lo up
    lease=/run/lease
    cards=$(ls /sys/class/net | grep -v '^lo$')
    [ -n "$cards" ] || failed no-network-card 'there is no network card that the kernel has a driver for'
    for attempt in 1 2 3; do
        for card in $cards; do
            ip link set "$card" up
            udhcpc -f -q -n -t 4 -T 3 -i "$card" -s /lib/shim/lease.sh >/run/udhcpc.log 2>&1
            [ ! -s "$lease" ] || break 2
        done
    done
    [ -s "$lease" ] || failed no-dhcp-answer "no DHCP server answered on $card, asked $attempt times"
    mac=$(cat "/sys/class/net/$card/address")
    address=$(value address "$lease")
    passed "$card $mac has address $address"
}

# Fetches a document of the head node and believes it when its signature is right.
document() {
    tries=0
    until wget -q -T 20 -O "$2" "$server/$1" 2>/run/wget.log &&
        wget -q -T 20 -O "$2.sig" "$server/$1.sig" 2>/run/wget.log; do
        if grep -q 'HTTP/1.[01] 404' /run/wget.log; then
            failed unknown-node "$server knows nothing of $1"
        fi
        tries=$((tries + 1))
        [ "$tries" -lt 5 ] || failed no-head-node "cannot fetch $server/$1: $(tail -n 1 /run/wget.log)"
        sleep 2
    done
    if [ -s /run/server.pub ]; then
        /usr/bin/signify-openbsd -V -q -p /run/server.pub -x "$2.sig" -m "$2" 2>/run/signify.log ||
            failed wrong-signature "$server/$1 is not signed by the key that this machine was given"
    fi
}

configuration() {
    step cluster
    server=$(argument vsec.server)
    if [ -z "$server" ]; then
        next=$(value server "$lease")
        [ -n "$next" ] || failed no-head-node 'neither vsec.server nor the DHCP answer names a head node'
        server=http://$next:8086
    fi
    key=$(argument vsec.key)
    if [ -n "$key" ]; then
        printf 'untrusted comment: head node\n%s\n' "$key" >/run/server.pub
    elif has_argument vsec.unsigned; then
        note 'no vsec.key: the configuration is believed as it comes; the image is still verified'
    else
        failed no-key 'there is no vsec.key to believe the head node by'
    fi
    document cluster /run/cluster
    images=$(value images /run/cluster)
    [ -n "$images" ] || failed bad-configuration 'the cluster has no image server'
    passed "$(value cluster /run/cluster), images from $images"

    step node
    document "node/$(printf '%s' "$mac" | tr : -)" /run/node
    [ "$(value mac /run/node)" = "$mac" ] || failed wrong-node 'the head node answered for another machine'
    hostname=$(value hostname /run/node)
    file=$(argument vsec.file)
    size=$(argument vsec.size)
    sha256=$(argument vsec.sha256)
    offered=$(value image /run/node)
    [ "$offered" = "$(argument vsec.image)" ] ||
        failed wrong-image "the head node has $offered for this node, which was started for $(argument vsec.image)"
    hostname "$hostname"
    passed "$hostname, image $file"
}

# Seconds in which a server must say something.
PATIENCE=20

# Writes what is at the address $1 from byte $2 on to standard output, and to /run/count how much
# that was. BusyBox's wget goes on with files alone, and here it is a pipe: so it is asked for by
# hand. A server that says nothing for a while is gone, though it may not have said so.
fetch_from() {
    rest=${1#http://}
    at=${rest%%/*}
    port=80
    case $at in *:*) port=${at##*:} ;; esac
    echo "it broke off, or gave nothing for $PATIENCE s" >/run/fetch.log
    printf 'GET /%s HTTP/1.0\r\nHost: %s\r\nRange: bytes=%s-\r\n\r\n' "${rest#*/}" "$at" "$2" |
        /usr/bin/nc.openbsd -w "$PATIENCE" "${at%%:*}" "$port" 2>>/run/fetch.log | {
        # The shell reads byte by byte: what follows the header is left where it is.
        read -r _ status text
        while read -r line && [ "${#line}" -gt 1 ]; do :; done
        # All of it, where it should go on in the middle, would only be refused at the end.
        case $2:$status in
        0:200 | *:206) /usr/bin/dd bs=64k 2>/run/count ;;
        *) [ -z "$status" ] || echo "it answers $status ${text%?}" >>/run/fetch.log ;;
        esac
    }
}

# Writes the image to standard output. A connection that is lost is taken up where it ended.
stream() {
    got=0
    idle=0
    while [ "$got" -lt "$size" ]; do
        : >/run/count
        fetch_from "$images/$file" "$got"
        # What dd says last: "N bytes (…) copied, …".
        more=$(sed -n 's/^\([0-9]*\) bytes .*/\1/p' /run/count)
        more=${more:-0}
        got=$((got + more))
        [ "$got" -lt "$size" ] || break
        if [ "$more" -gt 0 ]; then idle=0; else idle=$((idle + 1)); fi
        [ "$idle" -lt 10 ] || { echo "$got" >/run/stream.lost; return 1; }
        note "connection lost after $got of $size bytes ($(tail -n 1 /run/fetch.log)); taking it up again" >/dev/console
        sleep 2
    done
    return 0
}

# Streams the image through `sha256sum` into the command that is given, whose failure is in
# /run/sink. Fails by name; returns only when every byte was what it should be.
transfer() {
    rm -f /run/hash /run/stream.lost
    mkfifo /run/hash
    sha256sum </run/hash >/run/sum &
    hasher=$!
    stream | /usr/bin/tee /run/hash | "$@"
    sink=$?
    wait "$hasher"
    # A reader that broke off explains why too few bytes came, not the other way about.
    [ "$sink" -eq 0 ] || explain_sink
    if [ -s /run/stream.lost ]; then
        failed connection-lost "$images gave nothing more after $(cat /run/stream.lost) of $size bytes"
    fi
    read -r sum _ </run/sum
    [ "$sum" = "$sha256" ] || failed wrong-digest "$file has SHA-256 $sum, not $sha256"
    [ "$sink" -eq 0 ] || failed broken-image "$file cannot be unpacked: $(tail -n 1 /run/sink)"
}

explain_sink() {
    if grep -q 'No space left on device' /run/sink; then
        failed full-disk "there is no room for $file"
    fi
}

# Makes the tree at $1 this node's own.
configure_node() {
    printf '%s\n' "$hostname" >"$1/etc/hostname"
    sed -i '/^127\.0\.1\.1 /d' "$1/etc/hosts"
    sed -i "1a 127.0.1.1 $hostname" "$1/etc/hosts"
    node_address=$(value address /run/node)
    [ "$node_address" != dhcp ] || return 0
    unit=$1/etc/systemd/network/05-vsec-node.network
    mkdir -p "${unit%/*}"
    {
        printf '[Match]\nMACAddress=%s\n\n[Network]\nAddress=%s\n' "$mac" "$node_address"
        gateway=$(value gateway /run/node)
        [ -z "$gateway" ] || printf 'Gateway=%s\n' "$gateway"
        for dns in $(value dns /run/node); do printf 'DNS=%s\n' "$dns"; done
    } >"$unit"
}
