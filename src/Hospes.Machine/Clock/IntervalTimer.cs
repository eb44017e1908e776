namespace Hospes.Machine;

/// <summary>
/// The 8254 interval timer of a PC and port 0x61, where the third counter's gate and output are: what kernels measure the time stamp
/// counter with. As the machine is hardware-reduced, its first counter interrupts nobody. Thread-safe.
/// </summary>
internal sealed class IntervalTimer : IIoDevice
{
    /// <summary>The counters' clock in hertz: a third of NTSC's colour subcarrier.</summary>
    public const long Frequency = 1_193_182;

    /// <summary>Port 0x61: gate and speaker can be written; refresh toggles with each read; the third counter's output. The bits of parity and
    /// channel errors stay 0, or every NMI would look like one.</summary>
    private const byte Gate = 1, Writable = 3, Refresh = 0x10, OutputBit = 0x20;

    private readonly Lock _lock = new();
    private readonly TimeProvider _time;
    private readonly TimerCounter[] _counters = [new(), new(), new()];
    private readonly long _origin;
    private byte _control;

    public IntervalTimer(TimeProvider time)
    {
        _time = time;
        _origin = time.GetTimestamp();
        _counters[2].SetGate(false, 0);
    }

    /// <inheritdoc/>
    public int MaxAccess => 1;

    /// <inheritdoc/>
    public uint Read(ushort port, int size)
    {
        lock (_lock)
        {
            long now = Now();
            if (port == PortMap.SystemControlB)
            {
                _control ^= Refresh;
                return (uint)(_control | (_counters[2].Output(now) ? OutputBit : 0));
            }
            int index = port - PortMap.Timer;
            return index < _counters.Length ? _counters[index].Read(now) : 0xFFu;
        }
    }

    /// <inheritdoc/>
    public void Write(ushort port, int size, uint value)
    {
        lock (_lock)
        {
            long now = Now();
            byte data = (byte)value;
            if (port == PortMap.SystemControlB)
            {
                _control = (byte)(_control & ~Writable | data & Writable);
                _counters[2].SetGate((data & Gate) != 0, now);
                return;
            }
            int index = port - PortMap.Timer;
            if (index < _counters.Length) _counters[index].Write(data, now);
            else Command(data, now);
        }
    }

    private void Command(byte value, long now)
    {
        int index = value >> 6;
        if (index < _counters.Length)
        {
            _counters[index].Control(value, now);
            return;
        }
        for (int i = 0; i < _counters.Length; i++) // The read-back command: bits 4 and 5 are active low.
        {
            if ((value & 2 << i) == 0) continue;
            if ((value & 0x20) == 0) _counters[i].LatchCount(now);
            if ((value & 0x10) == 0) _counters[i].LatchStatus(now);
        }
    }

    /// <summary>Ticks of the counters' clock since the machine was made.</summary>
    private long Now() => (long)((Int128)(_time.GetTimestamp() - _origin) * Frequency / _time.TimestampFrequency);
}
