namespace Hospes.Machine;

using static IoApicRegisters;

/// <summary>
/// The I/O APIC: 24 pins, each with a redirection entry that says which message a local APIC gets (Intel 82093AA). Pins are told when they
/// are asserted, whatever polarity the guest wrote. Thread-safe.
/// </summary>
/// <param name="deliver">Sends a message (address, data) to the local APICs; tells whether one accepted it. Must not call back.</param>
internal sealed class IoApic(Func<ulong, uint, bool> deliver) : IMmioDevice
{
    /// <summary>How many pins it has.</summary>
    public const int Pins = 24;

    private readonly Lock _gate = new();
    private readonly ulong[] _entries = MaskedEntries();
    private uint _levels;
    private uint _id;
    private byte _select;

    /// <summary>Asserts a pin or lets it go.</summary>
    public void SetPin(int pin, bool asserted)
    {
        lock (_gate)
        {
            uint bit = 1u << pin, before = _levels;
            _levels = asserted ? before | bit : before & ~bit;
            if (!asserted) return;
            ulong entry = _entries[pin];
            if ((entry & Level) != 0) ServeLevel(pin);
            else if ((before & bit) == 0 && (entry & Masked) == 0) Send(entry); // A masked edge is lost: 82093AA, 3.2.4, bit 16.
        }
    }

    /// <summary>A local APIC ended the service of a level-triggered interrupt: pins with that vector look at their line again.</summary>
    public void EndOfInterrupt(byte vector)
    {
        lock (_gate)
        {
            for (int pin = 0; pin < Pins; pin++)
            {
                ulong entry = _entries[pin];
                if ((entry & VectorMask) != vector || (entry & RemoteIrr) == 0) continue;
                _entries[pin] = entry & ~RemoteIrr;
                ServeLevel(pin);
            }
        }
    }

    /// <inheritdoc/>
    public ulong Read(ulong offset, int size)
    {
        lock (_gate)
        {
            uint value = (offset & ~3UL) switch
            {
                Select => _select,
                Data => ReadRegister(_select),
                _ => 0,
            };
            return value >> (int)(offset & 3) * 8;
        }
    }

    /// <inheritdoc/>
    public void Write(ulong offset, int size, ulong value)
    {
        switch (offset)
        {
            case Select:
                lock (_gate) _select = (byte)value;
                break;
            case Data:
                lock (_gate) WriteRegister(_select, (uint)value);
                break;
            case IoApicRegisters.EndOfInterrupt:
                EndOfInterrupt((byte)value);
                break;
        }
    }

    private static ulong[] MaskedEntries()
    {
        var entries = new ulong[Pins];
        Array.Fill(entries, Masked);
        return entries;
    }

    private uint ReadRegister(byte register)
    {
        switch (register)
        {
            case Id or Arbitration:
                return _id;
            case IoApicRegisters.Version:
                return VersionNumber | (Pins - 1) << 16;
        }
        int index = register - Redirection;
        if (index is < 0 or >= Pins * 2) return 0;
        ulong entry = _entries[index / 2];
        return (uint)(index % 2 == 0 ? entry : entry >> 32);
    }

    private void WriteRegister(byte register, uint value)
    {
        if (register == Id) _id = value & IdMask;
        int index = register - Redirection;
        if (index is < 0 or >= Pins * 2) return;
        int pin = index / 2;
        ulong old = _entries[pin];
        ulong entry = index % 2 == 0 ? (old & ~0xFFFF_FFFFUL) | value : (uint)old | (ulong)value << 32;
        entry = (entry & Writable) | (old & ~Writable);
        if ((entry & Level) == 0) entry &= ~RemoteIrr; // Only level-triggered entries have one: 82093AA, 3.2.4, bit 14.
        _entries[pin] = entry;
        ServeLevel(pin);
    }

    private void ServeLevel(int pin)
    {
        ulong entry = _entries[pin];
        bool waits = (entry & (Level | Masked | RemoteIrr)) == Level && (_levels & 1u << pin) != 0;
        if (waits && Send(entry)) _entries[pin] = entry | RemoteIrr;
    }

    /// <summary>Forms the message as Intel SDM vol. 3, 12.11.1 and 12.11.2 lay it out.</summary>
    private bool Send(ulong entry)
    {
        ulong address = MachineLayout.LocalApicBase | (entry >> DestinationShift) << 12 | ((entry & Logical) != 0 ? 4UL : 0);
        uint data = (uint)(entry & (VectorMask | DeliveryMode | Level)) | 1u << 14;
        return deliver(address, data);
    }
}
