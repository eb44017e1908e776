#!/bin/sh
# The first process of a guest whose boot bench/compare/kvm/run times: says that it is there, and waits to be ended.
echo "INNER user space"
while true; do sleep 10; done
