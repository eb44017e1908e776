# Runs in the nested guest: see NestedGuestTests.
export HOSPES_RANDOM_GUESTS=30
hospes host check | grep kvm
hospes-conformance
echo "CONFORMANCE $?"

# Two guests with a disk each and a wire between them: the one with 1 processor serves a page, the one with 2 fetches it.
guest() { # PROCESSORS NETWORK
  dd if=/dev/zero of=/tmp/disk$1 bs=1M count=16 2>/dev/null
  mke2fs -F /tmp/disk$1 >/dev/null
  hospes run --engine auto --kernel /kernel --initrd /inner.cpio.gz --append "console=ttyS0 quiet panic=-1" --memory 256M --vcpus $1 \
    --disk /tmp/disk$1,format=raw --net "stream=/tmp/wire$2" --timeout 400 </dev/null >/tmp/console$1 2>&1
  status=$?
  sed "s/^/$1: /" /tmp/console$1
  echo "BOOT $1 $status"
  grep -q "written by a guest with $1 " /tmp/disk$1 && echo "DISK $1 kept"
}
guest 1 ,listen &
while [ ! -S /tmp/wire ]; do usleep 20000; done
guest 2 ""
wait
