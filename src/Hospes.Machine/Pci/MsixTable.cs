using System.Buffers.Binary;

namespace Hospes.Machine;

/// <summary>
/// The MSI-X table and its pending bits (PCI Express 5.0, 6.1.4 and 7.7.2): a message that is masked waits as a pending bit and is sent when
/// the mask goes. Thread-safe: vCPUs write the table while device threads signal.
/// </summary>
/// <param name="vectors">How many entries: 1 to 256, what fits into a page.</param>
/// <param name="deliver">Sends a vector's message (vector, address, data). Must not call back.</param>
internal sealed class MsixTable(int vectors, Action<int, ulong, uint> deliver)
{
    /// <summary>Bytes of the table's and of the pending bits' page.</summary>
    public const int RegionSize = 0x1000;

    /// <summary>Message control: function mask and enable (7.7.2.2).</summary>
    public const ushort FunctionMask = 1 << 14, Enable = 1 << 15;

    private const int EntrySize = 16, DataOffset = 8, ControlOffset = 12;
    private const byte EntryMasked = 1;

    private readonly Lock _gate = new();
    private readonly byte[] _table = MaskedTable(vectors);
    private readonly byte[] _pending = new byte[(vectors + 63) / 64 * 8];
    private ushort _control;

    /// <summary>Whether the function sends messages instead of using its line.</summary>
    public bool IsEnabled => (Volatile.Read(ref _control) & Enable) != 0;

    public ulong Read(ulong offset, int size)
    {
        lock (_gate) return Read(_table, offset, size);
    }

    public ulong ReadPending(ulong offset, int size)
    {
        lock (_gate) return Read(_pending, offset, size);
    }

    public void Write(ulong offset, int size, ulong value)
    {
        lock (_gate)
        {
            for (int i = 0; i < size && offset + (ulong)i < (ulong)_table.Length; i++)
            {
                int at = (int)offset + i;
                // Of the vector control only the mask exists (7.7.2.5).
                byte part = (byte)(value >> (i * 8));
                if (at % EntrySize > ControlOffset) part = 0;
                else if (at % EntrySize == ControlOffset) part &= EntryMasked;
                _table[at] = part;
            }
            if (offset < (ulong)_table.Length) SendPending((int)offset / EntrySize);
        }
    }

    /// <summary>The guest wrote the message control register.</summary>
    public void SetControl(ushort control)
    {
        lock (_gate)
        {
            _control = control;
            for (int vector = 0; vector < vectors; vector++) SendPending(vector);
        }
    }

    /// <summary>Sends a vector's message, now or once it is unmasked. Nothing happens while messages are off.</summary>
    public void Signal(int vector)
    {
        if ((uint)vector >= (uint)vectors) return;
        lock (_gate)
        {
            if ((_control & Enable) == 0) return;
            if (IsMasked(vector)) _pending[vector / 8] |= (byte)(1 << vector % 8);
            else Send(vector);
        }
    }

    private static byte[] MaskedTable(int vectors)
    {
        byte[] table = new byte[vectors * EntrySize];
        for (int vector = 0; vector < vectors; vector++) table[vector * EntrySize + ControlOffset] = EntryMasked;
        return table;
    }

    private static ulong Read(byte[] bytes, ulong offset, int size)
    {
        ulong value = 0;
        for (int i = 0; i < size; i++)
        {
            if (offset + (ulong)i < (ulong)bytes.Length) value |= (ulong)bytes[offset + (ulong)i] << (i * 8);
        }
        return value;
    }

    private bool IsMasked(int vector) => (_control & FunctionMask) != 0 || (_table[vector * EntrySize + ControlOffset] & EntryMasked) != 0;

    private void SendPending(int vector)
    {
        byte bit = (byte)(1 << vector % 8);
        if ((_pending[vector / 8] & bit) == 0 || (_control & Enable) == 0 || IsMasked(vector)) return;
        _pending[vector / 8] &= (byte)~bit;
        Send(vector);
    }

    private void Send(int vector)
    {
        ReadOnlySpan<byte> entry = _table.AsSpan(vector * EntrySize, EntrySize);
        deliver(vector, BinaryPrimitives.ReadUInt64LittleEndian(entry), BinaryPrimitives.ReadUInt32LittleEndian(entry[DataOffset..]));
    }
}
