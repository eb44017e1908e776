namespace Hospes.Machine;

/// <summary>
/// One counter of the 8254 (Intel 82C54 data sheet). It has no state that ticks: what it shows is worked out from how many clock ticks went
/// by since it was started. Not thread-safe: <see cref="IntervalTimer"/> guards it.
/// </summary>
internal sealed class TimerCounter
{
    private int _mode;
    private bool _decimal;
    private int _access = 3;
    private int _reload = 0x10000;
    private bool _loaded;
    private bool _gate = true;
    private long _start;
    private long _paused;
    private byte _low;
    private bool _writesHigh;
    private bool _readsHigh;
    private int _latched = -1;
    private int _status = -1;

    /// <summary>The modes 2 and 3 go round by themselves; 1 and 5 start with the gate.</summary>
    private bool IsPeriodic => _mode is 2 or 3;

    private bool StartsWithGate => _mode is 1 or 5;

    /// <summary>A control word for this counter; access 0 latches the count.</summary>
    public void Control(byte value, long now)
    {
        int access = value >> 4 & 3;
        if (access == 0)
        {
            LatchCount(now);
            return;
        }
        _access = access;
        _mode = value >> 1 & 7;
        if (_mode > 5) _mode -= 4; // Bit 2 of the modes 2 and 3 does not matter.
        _decimal = (value & 1) != 0;
        _loaded = _writesHigh = _readsHigh = false;
        _latched = _status = -1;
    }

    public void LatchCount(long now)
    {
        if (_latched < 0) _latched = Count(now);
    }

    /// <summary>Latches the status byte of the read-back command: output, whether the count is still to be loaded, how it was set up.</summary>
    public void LatchStatus(long now)
    {
        if (_status < 0) _status = (Output(now) ? 0x80 : 0) | (_loaded ? 0 : 0x40) | _access << 4 | _mode << 1 | (_decimal ? 1 : 0);
    }

    public void Write(byte value, long now)
    {
        if (_access == 1)
        {
            Load(value, now);
        }
        else if (_access == 2)
        {
            Load(value << 8, now);
        }
        else if (!_writesHigh)
        {
            _low = value;
            _writesHigh = true;
            if (_mode == 0) _loaded = false; // The first byte stops a counter in mode 0.
        }
        else
        {
            _writesHigh = false;
            Load(value << 8 | _low, now);
        }
    }

    public byte Read(long now)
    {
        if (_status >= 0)
        {
            byte status = (byte)_status;
            _status = -1;
            return status;
        }
        int count = _latched >= 0 ? _latched : Count(now);
        bool high = _access == 2 || (_access == 3 && _readsHigh);
        if (_access == 3) _readsHigh = !_readsHigh;
        if (_access != 3 || high) _latched = -1;
        return (byte)(high ? count >> 8 : count);
    }

    /// <summary>Sets the gate: low stops the modes 0, 2, 3 and 4; a rising edge starts the others, and the periodic ones anew.</summary>
    public void SetGate(bool gate, long now)
    {
        if (gate == _gate) return;
        bool counts = _mode is 0 or 4;
        if (!gate && counts) _paused = now - _start;
        if (gate && counts) _start = now - _paused;
        if (gate && !counts) _start = now;
        if (gate && StartsWithGate) _loaded = true;
        _gate = gate;
    }

    /// <summary>The level of the output pin.</summary>
    public bool Output(long now)
    {
        if (!_loaded) return _mode != 0;
        long elapsed = Elapsed(now);
        return _mode switch
        {
            0 or 1 => elapsed >= _reload,
            2 => !_gate || elapsed % _reload != _reload - 1,
            3 => !_gate || elapsed % _reload < (_reload + 1) / 2,
            _ => elapsed != _reload,
        };
    }

    private long Elapsed(long now) => Math.Max(0, _gate || StartsWithGate ? now - _start : IsPeriodic ? 0 : _paused);

    private void Load(int value, long now)
    {
        int range = _decimal ? 10000 : 0x10000;
        int count = _decimal ? FromDecimal(value) : value;
        _reload = count == 0 ? range : count;
        if (StartsWithGate) return;
        if (!IsPeriodic || !_loaded)
        {
            _start = now;
            _paused = 0;
        }
        _loaded = true;
    }

    private int Count(long now)
    {
        int range = _decimal ? 10000 : 0x10000;
        long elapsed = _loaded ? Elapsed(now) : 0;
        long count = _mode switch
        {
            2 => _reload - elapsed % _reload,
            3 => _reload - elapsed * 2 % _reload,
            _ => _reload - elapsed,
        };
        count = (count % range + range) % range;
        return _decimal ? ToDecimal((int)count) : (int)count;
    }

    private static int FromDecimal(int value) =>
        Math.Min((value >> 12) * 1000 + (value >> 8 & 15) * 100 + (value >> 4 & 15) * 10 + (value & 15), 9999);

    private static int ToDecimal(int value) => value / 1000 << 12 | value / 100 % 10 << 8 | value / 10 % 10 << 4 | value % 10;
}
