namespace Hospes.Machine;

using static PciRegisters;

/// <summary>What a function says it is (PCI 3.0, 6.2.1 and 6.2.4).</summary>
/// <param name="Vendor">Who made it.</param>
/// <param name="Device">Which of the vendor's devices it is.</param>
/// <param name="Class">Base class, subclass and programming interface, as in 0x060000.</param>
/// <param name="Revision">Its revision.</param>
internal readonly record struct PciIdentity(ushort Vendor, ushort Device, uint Class, byte Revision = 0);

/// <summary>
/// One PCI Express function: configuration space, base address registers, capabilities, one INTx pin. Threading: vCPUs and device threads
/// call at once; configuration space guards itself, and whoever derives guards what is behind the BARs.
/// </summary>
internal abstract class PciFunction
{
    private const byte InterruptPinA = 1;

    private readonly Lock _lineGate = new();
    private readonly List<PciBar> _bars = [];
    private InterruptLine? _line;
    private bool _wantsLine;
    private int _nextCapability = FirstCapability;
    private int _lastLink = CapabilityPointer;

    protected PciFunction(PciIdentity identity, byte headerType = 0)
    {
        Config.Set(VendorId, identity.Vendor);
        Config.Set(DeviceId, identity.Device);
        Config.Set(Revision, identity.Revision, 1);
        Config.Set(ProgrammingInterface, identity.Class, 3);
        Config.Set(HeaderType, headerType, 1);
        Config.Allow(Command, CommandMask);
        Config.Allow(CacheLineSize, 0xFF, 1);
        Config.Allow(LineRegister, 0xFF, 1);
    }

    public PciConfigSpace Config { get; } = new();

    public IReadOnlyList<PciBar> Bars => _bars;

    /// <summary>Whether the function answers in memory.</summary>
    public bool DecodesMemory => (Config.Read(Command, 2) & CommandMemory) != 0;

    /// <summary>Told when the guest changed where the function, or what is behind it, answers in memory. Set by the bus.</summary>
    public Action MappingChanged { get; set; } = static () => { };

    /// <summary>Answers a read of configuration space.</summary>
    public virtual ulong ReadConfig(int offset, int size) => Config.Read(offset, size);

    /// <summary>Takes a write to configuration space.</summary>
    public virtual void WriteConfig(int offset, int size, ulong value)
    {
        Config.Write(offset, size, value);
        bool command = offset < Command + 2 && Command < offset + size;
        if (command) UpdateLine();
        if (command || _bars.Exists(bar => bar.IsTouched(offset, size))) MappingChanged();
    }

    /// <summary>Answers a read in the region of a BAR.</summary>
    public virtual ulong ReadBar(PciBar bar, ulong offset, int size) => ulong.MaxValue;

    /// <summary>Takes a write in the region of a BAR.</summary>
    public virtual void WriteBar(PciBar bar, ulong offset, int size, ulong value)
    {
    }

    /// <summary>The region of a BAR is at an address now, or (null) nowhere. Called under the bus's lock.</summary>
    public virtual void Mapped(PciBar bar, ulong? address)
    {
    }

    /// <summary>Gives the function its wire; <see cref="SetLine"/> works from then on.</summary>
    public void Connect(InterruptLine line)
    {
        _line = line;
        Config.Set(PinRegister, InterruptPinA, 1);
        Config.Set(LineRegister, (ulong)line.Gsi, 1);
    }

    /// <summary>Asserts INTA# or lets it go (PCI 3.0, 2.2.6). Any thread.</summary>
    public void SetLine(bool asserted)
    {
        lock (_lineGate) _wantsLine = asserted;
        UpdateLine();
    }

    /// <summary>Adds a capability to the list (PCI 3.0, 6.7).</summary>
    /// <param name="id">Its id.</param>
    /// <param name="body">What follows the id and the link.</param>
    /// <returns>The offset of the capability.</returns>
    protected int AddCapability(byte id, ReadOnlySpan<byte> body)
    {
        int at = _nextCapability;
        _nextCapability = (at + 2 + body.Length + 3) & ~3;
        if (_nextCapability > ExtendedSpace) throw new InvalidOperationException("the capabilities do not fit");
        Config.Set(_lastLink, (ulong)at, 1);
        Config.Set(at, id, 1);
        for (int i = 0; i < body.Length; i++) Config.Set(at + 2 + i, body[i], 1);
        Config.SetBits(StatusRegister, StatusCapabilities, true);
        _lastLink = at + 1;
        return at;
    }

    /// <summary>Adds a base address register; see <see cref="PciBar"/>.</summary>
    protected PciBar AddBar(int index, ulong size, bool isWide, bool isPrefetchable)
    {
        var bar = new PciBar(Config, index, size, isWide, isPrefetchable);
        _bars.Add(bar);
        return bar;
    }

    private void UpdateLine()
    {
        lock (_lineGate)
        {
            // The status bit tells of the interrupt even while the command register holds it off (PCI 3.0, 6.2.3).
            Config.SetBits(StatusRegister, StatusInterrupt, _wantsLine);
            _line?.Set(_wantsLine && (Config.Read(Command, 2) & CommandInterruptDisable) == 0);
        }
    }
}
