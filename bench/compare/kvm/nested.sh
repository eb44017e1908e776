# Runs in the nested guest for bench/compare/kvm/run: each system in turn, ROUNDS times; a line "figure NAME SYSTEM VALUE" for each reading.
trace=/sys/kernel/tracing
mount -t tracefs tracefs $trace
rounds=$(cat /rounds)
memory=256
systems="hospes microvm q35"

# start SYSTEM IRQCHIP KERNEL [INITRD COMMAND-LINE]: becomes the system, with the guest's serial port on its output.
cat >/tmp/start <<'START'
system=$1 chip=$2 kernel=$3
shift 3
[ $# -eq 0 ] || set -- -initrd "$1" -append "$2"
set -- -m 256 -nodefaults -no-user-config -no-reboot -display none -serial stdio -kernel "$kernel" "$@"
[ "$system" != hospes ] || exec hospes vmm -M xenpvh -accel kvm "$@"
exec /usr/bin/qemu-system-x86_64 -M "$system$chip" -accel kvm -cpu host "$@"
START

# end SYSTEM: ends what runs; says why where it has ended by itself.
end() {
  kill $pid 2>/dev/null || { echo "$1 ended early:"; tail -n 5 /tmp/out; }
  wait $pid 2>/dev/null
}

# From the exec of the system to its first entry into a guest, by the kernel's own trace.
first_instruction() {
  echo 0 >$trace/tracing_on
  echo >$trace/trace
  echo 1 >$trace/events/sched/sched_process_exec/enable
  echo 1 >$trace/events/kvm/kvm_entry/enable
  echo 'traceoff:1' >$trace/events/kvm/kvm_entry/trigger
  echo 1 >$trace/tracing_on
  sh /tmp/start "$1" "" /exits.elf </dev/null >/tmp/out 2>&1 &
  pid=$!
  for try in $(seq 600); do [ "$(cat $trace/tracing_on)" = 0 ] && break; usleep 50000; done
  end "$1"
  echo 0 >$trace/events/kvm/kvm_entry/enable
  echo '!traceoff:1' >$trace/events/kvm/kvm_entry/trigger
  awk -v name="$1" '
    { for (i = 1; i <= NF; i++) if ($i ~ /^[0-9]+\.[0-9]+:$/) time = $i + 0 }
    /sched_process_exec: filename=.*(hospes|qemu-system)/ { from = time }
    /kvm_entry:/ && from { printf "figure first-instruction-ms %s %.1f\n", name, (time - from) * 1000; exit }' $trace/trace
}

# Cycles of one exit: what the guest says itself.
exits() {
  chip=,kernel-irqchip=split
  sh /tmp/start "$1" $chip /exits.elf </dev/null >/tmp/out 2>&1 &
  pid=$!
  for try in $(seq 1200); do grep -q 'exit end' /tmp/out && break; usleep 100000; done
  end "$1"
  grep -a '^exit [a-z-]* [0-9a-f]' /tmp/out | tr -d '\r' | while read -r word kind cycles; do echo "figure $kind-cycles $1 $((0x$cycles))"; done
}

# From exec to the line of the first process in user space, and what the system holds beyond the guest's memory then.
boot() {
  rm -f /tmp/pipe; mkfifo /tmp/pipe
  from=$(cut -d' ' -f1 /proc/uptime)
  sh /tmp/start "$1" "" /kernel /inner.cpio.gz "console=ttyS0 quiet panic=-1 idle" </dev/null >/tmp/pipe 2>/tmp/errors &
  pid=$!
  while read -r line; do
    case $line in
      *INNER*)
        to=$(cut -d' ' -f1 /proc/uptime)
        echo "figure boot-s $1 $(echo "$from $to" | awk '{ printf "%.2f", $2 - $1 }')"
        awk -v name="$1" -v ram=$((memory * 1024)) '
          /^[0-9a-f]+-[0-9a-f]+ / { guest = 0 }
          /^Size:/ { guest = $2 >= ram && $2 < ram * 2 }
          /^Rss:/ && !guest { rss += $2 }
          /^Private_(Clean|Dirty):/ && !guest { private += $2 }
          END { printf "figure resident-mib %s %.1f\nfigure private-mib %s %.1f\n", name, rss / 1024, name, private / 1024 }' /proc/$pid/smaps
        kill $pid ;;
    esac
  done </tmp/pipe
  wait $pid 2>/dev/null
}

dmesg | grep -o 'tsc: Detected .*' | head -n 1
# The first round of each warms the caches and does not count.
for system in $systems; do first_instruction $system >/dev/null; done
for round in $(seq "$rounds"); do
  for system in $systems; do first_instruction $system; done
done
for round in $(seq "$rounds"); do
  for system in $systems; do exits $system; done
done
for round in $(seq "$rounds"); do
  for system in $systems; do boot $system; done
done
echo "FIGURES complete"
# Costs of exits and messages without a machine around them. Last: QEMU's emulated processor has been seen to stay in one such guest for good.
for round in $(seq "$rounds"); do kvm-costs || echo "kvm-costs: something allocates, or failed"; done
