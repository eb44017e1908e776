# Runs in the nested guest: see NestedGuestTests.
export HOSPES_RANDOM_GUESTS=30
hospes host check | head -4
# Twice at most: inside the emulation a processor sometimes sleeps through an interrupt that came with STI; see docs/kvm.md.
hospes-conformance || { echo AGAIN; hospes-conformance; }; echo "CONFORMANCE $?"
for vcpus in 1 2; do
  hospes run --engine auto --kernel /kernel --initrd /inner.cpio.gz --append 'console=ttyS0 quiet' --memory 256M --vcpus $vcpus --timeout 240 </dev/null; echo "BOOT $vcpus $?"
done
