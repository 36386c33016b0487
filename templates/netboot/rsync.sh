# The image by rsync, into the new root and out of there: a shim has no memory to keep it in.

kept=$root/.vsec-image
tries=0
until /usr/bin/rsync --partial --inplace --timeout=20 "$images/$file" "$kept" 2>/run/rsync.log; do
    if grep -q 'No space left on device' /run/rsync.log; then
        failed full-disk "there is no room for $file"
    fi
    tries=$((tries + 1))
    [ "$tries" -lt 10 ] || failed connection-lost "$images: $(tail -n 1 /run/rsync.log)"
    note "connection lost ($(tail -n 1 /run/rsync.log)); taking it up again"
    sleep 2
done
stream() { cat "$kept"; }
transfer unpack
rm "$kept"
