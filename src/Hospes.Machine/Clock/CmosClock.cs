namespace Hospes.Machine;

using static CmosRegisters;

/// <summary>
/// The clock of a PC with its 128 bytes of memory (MC146818A), at ports 0x70 and 0x71. It shows the time of the clock that it was given,
/// in UTC, moved by as much as it was told, or by what the guest set. Alarm and update interrupts exist; the periodic interrupt does not. Thread-safe.
/// </summary>
internal sealed class CmosClock : IIoDevice, IDisposable
{
    /// <summary>How long before an update the update-in-progress bit is set: 244 µs (MC146818A, table 4).</summary>
    private const long UpdateTicks = 2440;

    private readonly Lock _gate = new();
    private readonly byte[] _registers = new byte[128];
    private readonly TimeProvider _time;
    private readonly InterruptLine _line;
    private readonly ITimer _timer;
    private readonly long _start;
    private long _offset;
    private long _seenSecond;
    private byte _index;
    private bool _disposed;

    public CmosClock(TimeProvider time, InterruptLine line, TimeSpan offset = default)
    {
        _start = _offset = offset.Ticks;
        _time = time;
        _line = line;
        _registers[A] = UsualRate;
        _registers[B] = Hours24;
        _registers[D] = Valid;
        _seenSecond = Now() / TimeSpan.TicksPerSecond;
        _timer = time.CreateTimer(static clock => ((CmosClock)clock!).OnSecond(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>How far it is ahead of what it showed at the start, since the guest set it.</summary>
    public TimeSpan Ahead
    {
        get
        {
            lock (_gate) return TimeSpan.FromTicks(_offset - _start);
        }
    }

    /// <summary>Told that the guest set it, by a processor that waits. It must not block.</summary>
    public Action? Changed { get; set; }

    /// <inheritdoc/>
    public int MaxAccess => 1;

    /// <inheritdoc/>
    public uint Read(ushort port, int size)
    {
        if (port == PortMap.Clock) return 0xFF; // The index can't be read back.
        lock (_gate)
        {
            Catch();
            switch (_index)
            {
                case A:
                    return (uint)(_registers[A] | (IsUpdating() ? UpdateInProgress : 0));
                case C:
                    byte flags = _registers[C];
                    _registers[C] = 0;
                    _line.Set(false);
                    return flags;
                default:
                    if (IsTime(_index) && !IsHeld) CmosTime.Encode(new DateTime(Now(), DateTimeKind.Utc), _registers[B], _registers);
                    return _registers[_index];
            }
        }
    }

    /// <inheritdoc/>
    public void Write(ushort port, int size, uint value)
    {
        lock (_gate)
        {
            byte data = (byte)value;
            if (port == PortMap.Clock)
            {
                _index = (byte)(data & 0x7F); // Bit 7 masks NMIs on a PC; there is no source of them here.
                return;
            }
            Catch();
            switch (_index)
            {
                case A:
                    _registers[A] = (byte)(data & 0x7F);
                    break;
                case B:
                    WriteControl(data);
                    break;
                case C or D:
                    break;
                default:
                    if (IsTime(_index)) WriteTime(data);
                    else _registers[_index] = data;
                    break;
            }
        }
    }

    /// <summary>Stops the timer; once it returns, no interrupt comes from here any more.</summary>
    public void Dispose()
    {
        lock (_gate) _disposed = true;
        _timer.Dispose();
    }

    private bool IsHeld => (_registers[B] & Hold) != 0;

    private static bool IsTime(int index) => index is Seconds or Minutes or Hours or Day or Month or Year or WeekDay or Century;

    /// <summary>The guest's time in ticks, kept inside what a calendar can show.</summary>
    private long Now() => Math.Clamp(_time.GetUtcNow().UtcTicks + _offset, DateTime.MinValue.Ticks, DateTime.MaxValue.Ticks);

    private bool IsUpdating() => !IsHeld && Now() % TimeSpan.TicksPerSecond >= TimeSpan.TicksPerSecond - UpdateTicks;

    private void WriteTime(byte data)
    {
        if (!IsHeld) CmosTime.Encode(new DateTime(Now(), DateTimeKind.Utc), _registers[B], _registers);
        _registers[_index] = data;
        if (!IsHeld) TakeTime(_registers[B]);
    }

    private void WriteControl(byte data)
    {
        bool wasHeld = IsHeld;
        if (!wasHeld) CmosTime.Encode(new DateTime(Now(), DateTimeKind.Utc), _registers[B], _registers);
        byte before = _registers[B];
        _registers[B] = data;
        if (wasHeld && !IsHeld) TakeTime(before);
        Raise();
        Schedule();
    }

    /// <summary>Makes what stands in the time registers the guest's time; what is no date changes nothing.</summary>
    /// <param name="registerB">Register B as it was when they were written.</param>
    private void TakeTime(byte registerB)
    {
        if (!CmosTime.TryDecode(_registers, registerB, out DateTime time)) return;
        _offset = time.Ticks - _time.GetUtcNow().UtcTicks;
        _seenSecond = Now() / TimeSpan.TicksPerSecond;
        Schedule();
        Changed?.Invoke();
    }

    /// <summary>Notes the updates, and alarms, of the seconds that passed since the last look.</summary>
    private void Catch()
    {
        if (IsHeld) return;
        long second = Now() / TimeSpan.TicksPerSecond;
        if (second == _seenSecond) return;
        // An alarm repeats at least daily, so a longer absence needs no longer look.
        long from = second > _seenSecond ? Math.Max(_seenSecond + 1, second - 86399) : second;
        bool alarm = (_registers[C] & Alarm) != 0;
        for (long at = from; at <= second && !alarm; at++)
        {
            alarm = CmosTime.Matches(new DateTime(at * TimeSpan.TicksPerSecond, DateTimeKind.Utc), _registers[B], _registers);
        }
        _seenSecond = second;
        _registers[C] |= (byte)(Updated | (alarm ? Alarm : 0));
        Raise();
    }

    private void Raise()
    {
        bool pending = (_registers[C] & _registers[B] & (Alarm | Updated)) != 0;
        if (pending) _registers[C] |= Pending;
        else _registers[C] &= unchecked((byte)~Pending);
        _line.Set(pending);
    }

    private void Schedule()
    {
        bool wanted = !IsHeld && (_registers[B] & (AlarmInterrupt | UpdateInterrupt)) != 0;
        long left = TimeSpan.TicksPerSecond - Now() % TimeSpan.TicksPerSecond;
        // Timers count milliseconds: a little later than the second's end, never earlier.
        _timer.Change(wanted ? TimeSpan.FromTicks(left + TimeSpan.TicksPerMillisecond) : Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    private void OnSecond()
    {
        lock (_gate)
        {
            if (_disposed) return;
            Catch();
            Schedule();
        }
    }
}
