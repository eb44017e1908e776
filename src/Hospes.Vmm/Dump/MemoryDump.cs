using System.Buffers;
using Hospes.Hypervisor;

namespace Hospes.Vmm.Dump;

/// <summary>Writes a domain's memory and registers into a core file. The domain is held meanwhile. For one dump.</summary>
/// <param name="control">The domain.</param>
/// <param name="only">The part of guest-physical memory that is wanted; null for all.</param>
internal sealed class MemoryDump(DomainControl control, DumpRange? only)
{
    /// <summary>What is read at a time; a look at the domain holds up everybody else.</summary>
    private const int Piece = 1 << 20;

    private const int Page = (int)GuestMemory.PageSize;

    private readonly List<DumpRange> _ranges = [];
    private readonly List<VcpuState> _processors = [];
    private Domain? _life;
    private long _completed;

    /// <summary>The bytes of memory that go into the dump.</summary>
    public long Total { get; private set; }

    /// <summary>Of these, the ones that were written.</summary>
    public long Completed => Volatile.Read(ref _completed);

    /// <summary>Looks at what there is.</summary>
    /// <returns>What is wrong, or null.</returns>
    public string? Begin()
    {
        _life = control.Look(
            life =>
            {
                foreach (MemoryRange range in life.Memory.Ranges) Add(range);
                foreach (Vcpu vcpu in life.Vcpus)
                {
                    var state = new VcpuState();
                    if (vcpu.ReadState(state) == Status.Ok) _processors.Add(state);
                }
                return life;
            },
            hold: true);
        if (_life is null) return "the guest has ended";
        Total = _ranges.Sum(static range => (long)range.Size);
        return Total == 0 ? "Invalid parameter 'begin'" : null;
    }

    /// <summary>Writes the dump.</summary>
    /// <param name="to">Where to. Pages of zeros become holes where it can seek.</param>
    /// <returns>What went wrong, or null.</returns>
    public string? Write(Stream to)
    {
        byte[] buffer = ArrayPool<byte>.Shared.Rent(Piece);
        try
        {
            to.Write(ElfCore.Head(_processors, _ranges));
            foreach (DumpRange range in _ranges)
            {
                for (ulong done = 0; done < range.Size;)
                {
                    Span<byte> piece = buffer.AsSpan(0, (int)Math.Min(Piece, range.Size - done));
                    if (!Read(range.Address + done, buffer, piece.Length)) return "the guest ended while it was dumped";
                    WritePages(to, piece);
                    done += (ulong)piece.Length;
                    Interlocked.Add(ref _completed, piece.Length);
                }
            }
            if (to.CanSeek) to.SetLength(to.Position);
            to.Flush();
            return null;
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            return $"dump: failed to save memory: {fault.Message.TrimEnd('.')}";
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>Adds what is there of a range, and is wanted.</summary>
    private void Add(MemoryRange range)
    {
        ulong block = range.BlockSize == 0 ? range.Size : range.BlockSize;
        for (ulong offset = 0; offset < range.Size; offset += block)
        {
            if (!range.IsThere(offset)) continue;
            ulong first = range.Address + offset, last = first + Math.Min(block, range.Size - offset);
            if (only is { } part) (first, last) = (Math.Max(first, part.Address), Math.Min(last, part.Address + part.Size));
            if (first >= last) continue;
            if (_ranges.Count > 0 && _ranges[^1].Address + _ranges[^1].Size == first) _ranges[^1] = _ranges[^1] with { Size = _ranges[^1].Size + last - first };
            else _ranges.Add(new DumpRange(first, last - first));
        }
    }

    private bool Read(ulong address, byte[] buffer, int length)
    {
        bool read = false;
        control.Look(life =>
        {
            read = ReferenceEquals(life, _life) && life.Memory.TryRead(address, buffer.AsSpan(0, length));
            return life;
        });
        return read;
    }

    private static void WritePages(Stream to, ReadOnlySpan<byte> piece)
    {
        if (!to.CanSeek)
        {
            to.Write(piece);
            return;
        }
        int from = 0;
        for (int at = 0; at < piece.Length; at += Page)
        {
            ReadOnlySpan<byte> page = piece[at..Math.Min(at + Page, piece.Length)];
            if (page.ContainsAnyExcept((byte)0)) continue;
            to.Write(piece[from..at]);
            to.Seek(page.Length, SeekOrigin.Current);
            from = at + page.Length;
        }
        to.Write(piece[from..]);
    }
}
