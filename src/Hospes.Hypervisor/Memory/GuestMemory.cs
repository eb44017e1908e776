using System.Runtime.CompilerServices;

namespace Hospes.Hypervisor;

/// <summary>
/// The guest-physical address space: RAM ranges that are mapped into this process. Everything is copied in and out, because a guest may
/// change its memory at any time. Thread-safe; reads and writes of up to 8 aligned bytes are single accesses.
/// </summary>
public sealed unsafe partial class GuestMemory : IDisposable
{
    // SAFETY: every host pointer in this class is formed by Locate, which checks that the whole access lies inside one mapped range;
    // ranges are unmapped only in Dispose, after the engine has ended.

    /// <summary>Bytes of the smallest page.</summary>
    public const ulong PageSize = 4096;

    /// <summary>One past the highest guest-physical address: 52 bits, the architecture's limit (Intel SDM vol. 3, 4.1.4).</summary>
    public const ulong AddressLimit = 1UL << 52;

    private readonly Lock _gate = new();
    private MemoryRange[] _ranges = [];
    private IMemoryObserver? _observer;

    internal GuestMemory()
    {
    }

    /// <summary>The mapped ranges in order of address.</summary>
    public IReadOnlyList<MemoryRange> Ranges => Volatile.Read(ref _ranges);

    /// <summary>How many bytes of RAM are there.</summary>
    public ulong TotalSize
    {
        get
        {
            ulong total = 0;
            foreach (MemoryRange range in Volatile.Read(ref _ranges)) total += range.CountThere(0, range.Size);
            return total;
        }
    }

    internal bool DirtyLogging { get; set; }

    /// <summary>Lets an engine hear of writes that it does not see itself. At most one observer.</summary>
    /// <param name="observer">The engine's ear.</param>
    public void Observe(IMemoryObserver observer) => _observer = observer;

    /// <summary>Maps RAM. It reads as zero, and host memory is taken only where it is touched.</summary>
    /// <param name="address">First guest-physical address, page-aligned.</param>
    /// <param name="size">Bytes, a multiple of 4096, not 0.</param>
    /// <param name="range">The new range, or null.</param>
    /// <param name="huge">Whether it comes from the host's pool of huge pages; of those that have to be, it is a multiple.</param>
    /// <param name="isShared">Whether it must have a memory file, which other processes can map; else it has one only where that costs no larger pages.</param>
    /// <returns><see cref="Status.InvalidArgs"/>, <see cref="Status.OutOfRange"/>, <see cref="Status.AlreadyExists"/> on overlap,
    /// <see cref="Status.NoMemory"/>.</returns>
    public Status Map(ulong address, ulong size, out MemoryRange? range, HugePages huge = HugePages.None, bool isShared = false) =>
        Map(address, size, 0, out range, huge, isShared);

    private Status Map(ulong address, ulong size, ulong blockSize, out MemoryRange? range, HugePages huge, bool isShared)
    {
        range = null;
        if (size == 0 || ((address | size) & (PageSize - 1)) != 0) return Status.InvalidArgs;
        if (address >= AddressLimit || size > AddressLimit - address || size > (ulong)nint.MaxValue) return Status.OutOfRange;
        lock (_gate)
        {
            int at = 0;
            while (at < _ranges.Length && _ranges[at].Address < address) at++;
            if (at > 0 && _ranges[at - 1].End > address) return Status.AlreadyExists;
            if (at < _ranges.Length && _ranges[at].Address < address + size) return Status.AlreadyExists;
            if (!Native.HostPages.TryMap((nuint)size, huge, isShared, blockSize, out int file, out nint host, out ulong pageSize)) return Status.NoMemory;
            range = new MemoryRange(address, size, file, (byte*)host, pageSize, blockSize);
            MemoryRange[] grown = [.. _ranges[..at], range, .. _ranges[at..]];
            Volatile.Write(ref _ranges, grown);
        }
        _observer?.RangeMapped(range);
        return Status.Ok;
    }

    /// <summary>Finds the range that an address lies in.</summary>
    /// <param name="address">A guest-physical address.</param>
    public MemoryRange? Find(ulong address)
    {
        foreach (MemoryRange range in Volatile.Read(ref _ranges))
        {
            if (address - range.Address < range.Size) return range;
        }
        return null;
    }

    /// <summary>Copies from guest memory. Fails, with nothing promised about the destination, when a byte lies outside RAM.</summary>
    /// <param name="address">The first guest-physical address.</param>
    /// <param name="destination">Where to.</param>
    public bool TryRead(ulong address, Span<byte> destination)
    {
        while (!destination.IsEmpty)
        {
            byte* host = Locate(address, 1, out ulong left);
            if (host == null) return false;
            int part = (int)Math.Min(left, (ulong)destination.Length);
            new ReadOnlySpan<byte>(host, part).CopyTo(destination);
            destination = destination[part..];
            address += (ulong)part;
        }
        return true;
    }

    /// <summary>Copies into guest memory. Fails, with what lies inside RAM perhaps written, when a byte lies outside it.</summary>
    /// <param name="address">The first guest-physical address.</param>
    /// <param name="source">Where from.</param>
    public bool TryWrite(ulong address, ReadOnlySpan<byte> source)
    {
        while (!source.IsEmpty)
        {
            byte* host = Locate(address, 1, out ulong left);
            if (host == null) return false;
            int part = (int)Math.Min(left, (ulong)source.Length);
            source[..part].CopyTo(new Span<byte>(host, part));
            Wrote(address, (ulong)part);
            source = source[part..];
            address += (ulong)part;
        }
        return true;
    }

    /// <summary>Sets every byte of a stretch.</summary>
    /// <param name="address">The first guest-physical address.</param>
    /// <param name="size">How many bytes.</param>
    /// <param name="value">The byte.</param>
    public bool TryFill(ulong address, ulong size, byte value)
    {
        while (size > 0)
        {
            byte* host = Locate(address, 1, out ulong left);
            if (host == null) return false;
            ulong part = Math.Min(Math.Min(left, size), 1 << 30);
            new Span<byte>(host, (int)part).Fill(value);
            Wrote(address, part);
            size -= part;
            address += part;
        }
        return true;
    }

    /// <summary>Reads a little-endian number of type <typeparamref name="T"/> in one access.</summary>
    /// <typeparam name="T">An unsigned integer of up to 8 bytes.</typeparam>
    /// <param name="address">The guest-physical address.</param>
    /// <param name="value">The number, or 0.</param>
    public bool TryRead<T>(ulong address, out T value)
        where T : unmanaged
    {
        byte* host = Locate(address, (uint)sizeof(T), out _);
        if (host == null)
        {
            Unsafe.SkipInit(out value);
            return TryRead(address, new Span<byte>(Unsafe.AsPointer(ref value), sizeof(T)));
        }
        value = Unsafe.ReadUnaligned<T>(host);
        return true;
    }

    /// <summary>Writes a little-endian number of type <typeparamref name="T"/> in one access.</summary>
    /// <typeparam name="T">An unsigned integer of up to 8 bytes.</typeparam>
    /// <param name="address">The guest-physical address.</param>
    /// <param name="value">The number.</param>
    public bool TryWrite<T>(ulong address, T value)
        where T : unmanaged
    {
        byte* host = Locate(address, (uint)sizeof(T), out _);
        if (host == null) return TryWrite(address, new ReadOnlySpan<byte>(&value, sizeof(T)));
        Unsafe.WriteUnaligned(host, value);
        Wrote(address, (uint)sizeof(T));
        return true;
    }

    /// <summary>Gives the host pages behind a stretch back; it reads as zero afterwards.</summary>
    /// <param name="address">First guest-physical address, page-aligned.</param>
    /// <param name="size">Bytes, a multiple of 4096.</param>
    /// <returns><see cref="Status.InvalidArgs"/> for bad alignment, <see cref="Status.NotFound"/> when not all of it is there, inside one range.</returns>
    public Status Discard(ulong address, ulong size)
    {
        if (size == 0 || ((address | size) & (PageSize - 1)) != 0) return Status.InvalidArgs;
        byte* host = Locate(address, size, out _);
        if (host == null || Find(address) is not { } range) return Status.NotFound;
        if (!Native.HostPages.TryDiscard((nint)host, (nuint)size, range.File)) return Status.NotSupported;
        Wrote(address, size);
        return Status.Ok;
    }

    /// <summary>Unmaps everything.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            foreach (MemoryRange range in _ranges) range.Dispose();
            _ranges = [];
        }
    }

    internal void ClearDirtyPages()
    {
        foreach (MemoryRange range in Volatile.Read(ref _ranges)) range.TakeDirty(new ulong[range.DirtyWords]);
    }

    private byte* Locate(ulong address, ulong size, out ulong left)
    {
        MemoryRange? range = Find(address);
        if (range is null || range.HostAddress == 0 || (left = range.Reach(address, size)) < size)
        {
            left = 0;
            return null;
        }
        return (byte*)range.HostAddress + (address - range.Address);
    }

    private void Wrote(ulong address, ulong size)
    {
        _observer?.HostWrote(address, size);
        if (!DirtyLogging || Find(address) is not { } range) return;
        for (ulong at = address & ~(PageSize - 1); at < address + size; at += PageSize) range.MarkDirty(at - range.Address);
    }
}
