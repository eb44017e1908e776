using Hospes.Storage.Volumes;

namespace Hospes.Storage.Ext4;

/// <summary>Reads blocks of a file system, those that the journal has newer from there, through a small cache.</summary>
internal sealed class BlockReader(Volume volume, int blockBits, ulong blocks)
{
    /// <summary>Slots of the cache: enough for the path to a file, its inode and its extents.</summary>
    private const int Slots = 32;

    private readonly byte[]?[] _cache = new byte[Slots][];

    private readonly ulong[] _cached = new ulong[Slots];

    public int BlockSize => 1 << blockBits;

    public int BlockBits => blockBits;

    public ReadBudget Budget => volume.Budget;

    /// <summary>Blocks that are in the journal newer; null before it was read.</summary>
    public Journal.JournalOverlay? Overlay { get; set; }

    /// <summary>Whether a stretch of blocks lies in the file system.</summary>
    public bool Contains(ulong first, ulong count) => first < blocks && count <= blocks - first;

    /// <summary>Reads a block of metadata. The bytes are the cache's: they stay until the next reading.</summary>
    public VolumeError Read(ulong number, out ReadOnlySpan<byte> block)
    {
        int slot = (int)(number % Slots);
        block = default;
        if (_cache[slot] is { } held && _cached[slot] == number)
        {
            if (!Budget.TrySpend(BlockSize)) return VolumeError.OverBudget;
            block = held;
            return VolumeError.None;
        }

        byte[] buffer = _cache[slot] ??= new byte[BlockSize];
        _cached[slot] = ulong.MaxValue;
        VolumeError error = Read(number, buffer);
        if (error != VolumeError.None) return error;
        _cached[slot] = number;
        block = buffer;
        return VolumeError.None;
    }

    /// <summary>Reads whole blocks that follow each other, or the first part of the last of them.</summary>
    public VolumeError Read(ulong number, Span<byte> buffer)
    {
        if (!Contains(number, (ulong)((buffer.Length + (long)BlockSize - 1) >> blockBits))) return VolumeError.Corrupt;
        if (Overlay is null || Overlay.IsEmpty) return volume.Read((long)number << blockBits, buffer);
        while (!buffer.IsEmpty)
        {
            Span<byte> part = buffer[..Math.Min(buffer.Length, BlockSize)];
            VolumeError error = Overlay.TryFind(number, out Journal.JournaledBlock journaled)
                ? Overlay.Read(this, journaled, part)
                : volume.Read((long)number << blockBits, part);
            if (error != VolumeError.None) return error;
            buffer = buffer[part.Length..];
            number++;
        }

        return VolumeError.None;
    }

    /// <summary>Reads a block as it is on the disk, whatever the journal says.</summary>
    public VolumeError ReadHome(ulong number, Span<byte> buffer) =>
        Contains(number, 1) ? volume.Read((long)number << blockBits, buffer) : VolumeError.Corrupt;

    /// <summary>Forgets what was read before the journal was.</summary>
    public void Forget() => Array.Fill(_cached, ulong.MaxValue);
}
