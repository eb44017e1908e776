using System.Buffers.Binary;
using Hospes.Hypervisor;
using Hospes.Virtio;

namespace Hospes.Machine;

/// <summary>A virtio device as a PCI function: the transport's registers in BAR 0, MSI-X behind them, and bells that stop no vCPU.</summary>
internal sealed class VirtioFunction : PciFunction, IPciHost, IDisposable
{
    /// <summary>How many places of the BAR get bells. Traps stay as long as the guest, so a guest that moves the BAR without end gets none
    /// beyond these: its notifications then stop the vCPU shortly, as any other register.</summary>
    private const int MostBells = 16;

    private const ushort SubsystemVendor = 0x1AF4, Subsystem = 0x1100;

    /// <summary>Offset of message control in the MSI-X capability (PCI Express 5.0, 7.7.2.2).</summary>
    private const int MessageControl = 2;

    private readonly Guest _guest;
    private readonly VirtioPci _transport;
    private readonly MsixTable _msix;
    private readonly MessageInterrupt?[] _messages;
    private readonly PciMemory _memory;
    private readonly Action<Exception> _failed;
    private readonly int _msixAt, _accessAt;
    private readonly HashSet<ulong> _bells = [];

    /// <param name="guest">The guest: for traps and messages.</param>
    /// <param name="transport">The device on its transport.</param>
    /// <param name="memory">What else answers in memory, for bells that went astray.</param>
    /// <param name="isBehindPort">Whether the device has a root port of its own, or sits in the root complex.</param>
    /// <param name="failed">Told of faults of our own.</param>
    public VirtioFunction(Guest guest, VirtioPci transport, PciMemory memory, bool isBehindPort, Action<Exception> failed)
        : base(new PciIdentity(VirtioPciLayout.Vendor, (ushort)(VirtioPciLayout.FirstDevice + transport.Device.Kind), transport.Device.PciClass, VirtioPciLayout.Revision))
    {
        _guest = guest;
        _transport = transport;
        _memory = memory;
        _failed = failed;
        _messages = new MessageInterrupt?[transport.VectorCount];
        _msix = new MsixTable(transport.VectorCount, Deliver);
        Config.Set(PciRegisters.SubsystemVendorId, SubsystemVendor);
        Config.Set(PciRegisters.SubsystemId, Subsystem);
        AddBar(VirtioPciLayout.Bar, VirtioPciLayout.BarSize, isWide: true, isPrefetchable: true);
        foreach (byte[] capability in VirtioPciLayout.Capabilities(transport.Device.ConfigSize)) _accessAt = AddCapability(PciRegisters.VendorCapability, capability);
        // The last one is the access window: the driver writes all of it but its length and type.
        Config.Allow(_accessAt + VirtioPciLayout.AccessBar, byte.MaxValue, 1);
        Config.Allow(_accessAt + VirtioPciLayout.AccessOffset, ulong.MaxValue, 8);
        _msixAt = AddCapability(PciRegisters.MsixCapability, MsixBody(transport.VectorCount));
        Config.Allow(_msixAt + MessageControl, MsixTable.Enable | MsixTable.FunctionMask);
        ushort type = isBehindPort ? ExpressCapability.Endpoint : ExpressCapability.RootComplexEndpoint;
        int express = AddCapability(PciRegisters.ExpressCapability, ExpressCapability.Build(type));
        ExpressCapability.Allow(Config, express, type);
    }

    /// <summary>Whether bells were trapped for this function: they answer as long as the guest, also once the function is gone.</summary>
    public bool OwnsBells { get; private set; }

    /// <inheritdoc/>
    public bool MessagesEnabled => _msix.IsEnabled;

    /// <inheritdoc/>
    public void SendMessage(int vector) => _msix.Signal(vector);

    /// <inheritdoc/>
    public void SetInterruptLine(bool asserted) => SetLine(asserted);

    /// <inheritdoc/>
    public void ForwardBell(ulong address) => _memory.Write(address, VirtioPciLayout.BellStride, 0);

    /// <inheritdoc/>
    public void DeviceFailed(Exception fault) => _failed(fault);

    /// <inheritdoc/>
    public override ulong ReadConfig(int offset, int size)
    {
        if (IsAccess(offset, size) && TryAccess(out ulong at, out int length)) Config.Set(_accessAt + VirtioPciLayout.AccessData, ReadRegion(at, length), 4);
        return base.ReadConfig(offset, size);
    }

    /// <inheritdoc/>
    public override void WriteConfig(int offset, int size, ulong value)
    {
        if (IsAccess(offset, size))
        {
            if (TryAccess(out ulong at, out int length)) WriteRegion(at, length, value & ((1UL << (length * 8)) - 1));
            return;
        }
        base.WriteConfig(offset, size, value);
        if (offset < _msixAt + 4 && _msixAt + MessageControl < offset + size) _msix.SetControl((ushort)Config.Read(_msixAt + MessageControl, 2));
    }

    /// <inheritdoc/>
    public override ulong ReadBar(PciBar bar, ulong offset, int size) => ReadRegion(offset, size);

    /// <inheritdoc/>
    public override void WriteBar(PciBar bar, ulong offset, int size, ulong value) => WriteRegion(offset, size, value);

    /// <inheritdoc/>
    public override void Mapped(PciBar bar, ulong? address)
    {
        ulong? bells = address + VirtioPciLayout.Bells;
        _transport.PlaceBells(bells);
        if (bells is not { } place || _bells.Count >= MostBells || !_bells.Add(place)) return;
        // Where another function's bells were before, their trap answers here too: that function passes the packets on.
        if (_guest.SetTrap(TrapKind.Bell, place, VirtioPciLayout.PartSize, _transport.Port, place) == Status.Ok) OwnsBells = true;
    }

    /// <summary>Ends the function's interrupts. Its transport was disposed before.</summary>
    public void Dispose()
    {
        foreach (MessageInterrupt? message in _messages) message?.Dispose();
    }

    private static byte[] MsixBody(int vectors)
    {
        byte[] body = new byte[10];
        BinaryPrimitives.WriteUInt16LittleEndian(body, (ushort)(vectors - 1));
        BinaryPrimitives.WriteUInt32LittleEndian(body.AsSpan(2), VirtioPciLayout.MsixTable | VirtioPciLayout.Bar);
        BinaryPrimitives.WriteUInt32LittleEndian(body.AsSpan(6), VirtioPciLayout.MsixPending | VirtioPciLayout.Bar);
        return body;
    }

    /// <summary>Called under the table's lock. A vector gets its interrupt with its first message; many are never used.</summary>
    private void Deliver(int vector, ulong address, uint data)
    {
        ref MessageInterrupt? message = ref _messages[vector];
        if (message is null && _guest.CreateMessageInterrupt(out message) != Status.Ok) return;
        message!.SetMessage(address, data);
        message.Trigger();
    }

    private ulong ReadRegion(ulong offset, int size) => (offset & ~(VirtioPciLayout.PartSize - 1UL)) switch
    {
        VirtioPciLayout.MsixTable => _msix.Read(offset - VirtioPciLayout.MsixTable, size),
        VirtioPciLayout.MsixPending => _msix.ReadPending(offset - VirtioPciLayout.MsixPending, size),
        _ => _transport.Read(offset, size),
    };

    private void WriteRegion(ulong offset, int size, ulong value)
    {
        if ((offset & ~(VirtioPciLayout.PartSize - 1UL)) == VirtioPciLayout.MsixTable) _msix.Write(offset - VirtioPciLayout.MsixTable, size, value);
        else _transport.Write(offset, size, value);
    }

    /// <summary>Whether an access to configuration space goes through the access window to the BAR (virtio 1.2, 4.1.4.9).</summary>
    private bool IsAccess(int offset, int size) =>
        offset < _accessAt + VirtioPciLayout.AccessData + 4 && _accessAt + VirtioPciLayout.AccessData < offset + size;

    private bool TryAccess(out ulong offset, out int length)
    {
        offset = Config.Read(_accessAt + VirtioPciLayout.AccessOffset, 4);
        length = (int)Math.Min(Config.Read(_accessAt + VirtioPciLayout.AccessLength, 4), int.MaxValue);
        return Config.Read(_accessAt + VirtioPciLayout.AccessBar, 1) == VirtioPciLayout.Bar && length is 1 or 2 or 4
            && offset % (ulong)length == 0 && offset < VirtioPciLayout.BarSize;
    }
}
