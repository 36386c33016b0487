#!/bin/sh
# Runs the program on this node: run.sh [RANKS]. As user cfd; mpirun refuses to work for root.
set -eu
exec mpirun -np "${1:-2}" /opt/cfd/hello
