namespace Hospes.Machine;

/// <summary>
/// The watchdog of Intel's 6300ESB I/O controller hub (datasheet 300641, 16) as a PCI function: two counts one after the other, of which the end of
/// the second one counts. The interrupt after the first is not there: no driver that is known asks for it.
/// </summary>
internal sealed class WatchdogFunction : PciFunction, IDisposable
{
    private const ushort Vendor = 0x8086, Device = 0x25AB;
    private const uint ClassSystem = 0x088000;
    private const ulong Size = 0x1000;

    /// <summary>Registers in configuration space (16.3): how it counts and what it does; whether it counts and may be changed.</summary>
    private const int ConfigRegister = 0x60, LockRegister = 0x68;

    /// <summary>Bits there: steps of a microsecond, no reset; locked, enabled, counts anew by itself.</summary>
    private const uint QuickSteps = 1 << 2, NoReset = 1 << 5, Locked = 1, Enabled = 2;

    /// <summary>Registers in memory (16.4): both counts, the interrupt, the one to begin again with.</summary>
    private const ulong FirstCount = 0x00, SecondCount = 0x04, Reload = 0x0C;

    /// <summary>Bits of the last one: begin again; it expired, until that is written.</summary>
    private const uint BeginAgain = 1 << 8, HasExpired = 1 << 9;

    /// <summary>What has to be written before each change (16.5), one after the other.</summary>
    private const uint FirstKey = 0x80, SecondKey = 0x86;

    private const uint CountMask = 0xFFFFF;

    /// <summary>Beats of the PCI clock in a second, and what a step takes of it: 2 to the power of these.</summary>
    private const double Clock = 33_000_000;

    private const int SlowShift = 15, QuickShift = 5;

    private readonly Lock _gate = new();
    private readonly Countdown _countdown;
    private uint _first = CountMask, _second = CountMask;
    private int _keys;
    private bool _hasExpired;

    /// <param name="time">The guest's time.</param>
    /// <param name="expired">Told that both counts ended, on a timer's thread. It must not block.</param>
    public WatchdogFunction(TimeProvider time, Action expired)
        : base(new PciIdentity(Vendor, Device, ClassSystem))
    {
        _countdown = new Countdown(time, () =>
        {
            if ((Config.Read(ConfigRegister, 2) & NoReset) != 0) return;
            Volatile.Write(ref _hasExpired, true);
            expired();
        });
        Config.Allow(ConfigRegister, QuickSteps | NoReset | 3);
        Config.Allow(LockRegister, Locked | Enabled | 4, 1);
        AddBar(0, Size, isWide: false, isPrefetchable: false);
    }

    /// <inheritdoc/>
    public override void WriteConfig(int offset, int size, ulong value)
    {
        base.WriteConfig(offset, size, value);
        if (offset > LockRegister || offset + size <= LockRegister) return;
        uint state = (uint)Config.Read(LockRegister, 1);
        // Once locked, it stays as it is until a reset (16.3.4).
        if ((state & Locked) != 0) Config.Allow(LockRegister, 0, 1);
        lock (_gate)
        {
            if ((state & Enabled) == 0) _countdown.Stop();
            else if (!_countdown.Runs) Begin();
        }
    }

    /// <inheritdoc/>
    public override ulong ReadBar(PciBar bar, ulong offset, int size)
    {
        ulong value = (offset & ~3UL) switch
        {
            FirstCount => Volatile.Read(ref _first),
            SecondCount => Volatile.Read(ref _second),
            Reload => Volatile.Read(ref _hasExpired) ? HasExpired : 0,
            _ => 0,
        };
        return value >> (int)(8 * (offset & 3));
    }

    /// <inheritdoc/>
    public override void WriteBar(PciBar bar, ulong offset, int size, ulong value)
    {
        lock (_gate)
        {
            if (offset == Reload && value == FirstKey)
            {
                _keys = 1;
                return;
            }
            if (offset == Reload && value == SecondKey && _keys == 1)
            {
                _keys = 2;
                return;
            }
            bool isOpen = _keys == 2;
            _keys = 0;
            if (!isOpen) return;
            if (offset == FirstCount) _first = (uint)value & CountMask;
            else if (offset == SecondCount) _second = (uint)value & CountMask;
            else if (offset == Reload) Change((uint)value);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _countdown.Dispose();

    private void Change(uint value)
    {
        if ((value & HasExpired) != 0) _hasExpired = false;
        if ((value & BeginAgain) != 0 && _countdown.Runs) Begin();
    }

    private void Begin()
    {
        int shift = (Config.Read(ConfigRegister, 2) & QuickSteps) != 0 ? QuickShift : SlowShift;
        _countdown.Begin(TimeSpan.FromSeconds(((ulong)_first + _second << shift) / Clock));
    }
}
