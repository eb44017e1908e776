namespace Hospes.Machine;

/// <summary>
/// The hot-plug controller of a root port's slot (PCI Express 5.0, 6.7): presence, link, attention button, power controller and indicators. A
/// guest that takes the power away lets the device go. Commands are done at once, and completion is not told (No Command Completed Support).
/// Threading: the guest's writes come on vCPU threads, everything else on the host's.
/// </summary>
internal sealed class PciSlot
{
    /// <summary>Registers, from the Express capability's start (7.5.3).</summary>
    private const int LinkStatus = 0x12, Capabilities = 0x14, Status = 0x1A;

    /// <summary>Slot capabilities (7.5.3.9): button, power controller, indicators of attention and power, surprise, hot-plug, no completions.</summary>
    private const uint Offered = 1 << 0 | 1 << 1 | 1 << 3 | 1 << 4 | 1 << 5 | 1 << 6 | 1 << 18;

    /// <summary>Slot status (7.5.3.11): button pressed, presence changed, presence, link changed. The control register's enables (7.5.3.10) of the
    /// events have the same bits, but for the link's.</summary>
    private const ushort ButtonPressed = 1 << 0, PresenceChanged = 1 << 3, Present = 1 << 6, LinkChanged = 1 << 8;

    /// <summary>Slot control: hot-plug interrupt, power indicator (both bits: off), power taken away, link events.</summary>
    private const ushort InterruptEnable = 1 << 5, IndicatorOff = 3 << 8, IndicatorOn = 1 << 8, PowerOff = 1 << 10, LinkEnable = 1 << 12;

    private const ushort Events = ButtonPressed | PresenceChanged | LinkChanged, LinkActive = 1 << 13;

    private readonly Lock _gate = new();
    private readonly PciConfigSpace _config;
    private readonly int _at;
    private readonly Action<bool> _setLine;

    /// <param name="config">The port's configuration space.</param>
    /// <param name="at">Where its Express capability is.</param>
    /// <param name="setLine">Sets the port's interrupt line.</param>
    public PciSlot(PciConfigSpace config, int at, Action<bool> setLine)
    {
        _config = config;
        _at = at;
        _setLine = setLine;
        config.Set(at + Capabilities, config.Read(at + Capabilities, 4) | Offered, 4);
        Reset(isPresent: false);
    }

    /// <summary>Told that the guest took the power of a device away, on a vCPU's thread. It must not block.</summary>
    public Action? Released { get; set; }

    /// <summary>Whether the guest has the slot without power: it uses nothing there.</summary>
    public bool IsOff
    {
        get
        {
            lock (_gate) return IsOffBy(Control);
        }
    }

    private ushort Control => (ushort)_config.Read(_at + ExpressCapability.SlotControl, 2);

    /// <summary>Puts the slot into the state out of reset.</summary>
    /// <param name="isPresent">Whether a device is plugged in.</param>
    public void Reset(bool isPresent)
    {
        lock (_gate)
        {
            _config.Set(_at + ExpressCapability.SlotControl, isPresent ? IndicatorOn : IndicatorOff | (uint)PowerOff);
            SetPresence(isPresent, 0);
        }
    }

    /// <summary>A device was plugged in, or taken out: tells the guest.</summary>
    public void Change(bool isPresent)
    {
        lock (_gate) SetPresence(isPresent, PresenceChanged | LinkChanged);
    }

    /// <summary>Presses the attention button: asks the guest to let the device go (6.7.1.5). Linux waits five seconds for a second press.</summary>
    public void PressButton()
    {
        lock (_gate) Raise(ButtonPressed);
    }

    /// <summary>The guest writes to configuration space: the status register's events are cleared by ones, and power may go.</summary>
    /// <param name="offset">Where it writes.</param>
    /// <param name="size">How many bytes.</param>
    /// <param name="value">What it writes.</param>
    /// <param name="write">Writes what is no event.</param>
    public void Write(int offset, int size, ulong value, Action write)
    {
        if (offset >= _at + Status + 2 || _at + ExpressCapability.SlotControl >= offset + size)
        {
            write();
            return;
        }
        bool released;
        lock (_gate)
        {
            ushort before = Control;
            write();
            uint cleared = 0;
            for (int i = 0; i < size; i++)
            {
                int register = offset + i - (_at + Status);
                if (register is 0 or 1) cleared |= (uint)(byte)(value >> (i * 8)) << (register * 8);
            }
            if (cleared != 0) _config.SetBits(_at + Status, (ushort)(cleared & Events), false);
            released = !IsOffBy(before) && IsOffBy(Control) && (_config.Read(_at + Status, 2) & Present) != 0;
            UpdateLine();
        }
        if (released) Released?.Invoke();
    }

    private static bool IsOffBy(ushort control) => (control & PowerOff) != 0 && (control & IndicatorOff) == IndicatorOff;

    private void SetPresence(bool isPresent, ushort events)
    {
        _config.SetBits(_at + Status, Present, isPresent);
        _config.SetBits(_at + LinkStatus, LinkActive, isPresent);
        Raise(events);
    }

    private void Raise(ushort events)
    {
        _config.SetBits(_at + Status, events, true);
        UpdateLine();
    }

    private void UpdateLine()
    {
        ushort control = Control, status = (ushort)_config.Read(_at + Status, 2);
        bool wanted = (status & control & (ButtonPressed | PresenceChanged)) != 0 || ((status & LinkChanged) != 0 && (control & LinkEnable) != 0);
        _setLine(wanted && (control & InterruptEnable) != 0);
    }
}
