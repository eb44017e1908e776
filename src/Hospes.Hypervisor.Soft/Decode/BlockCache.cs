using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Hospes.Hypervisor.Soft.Cpu;
using Hospes.Hypervisor.Soft.Interpret;
using Hospes.Hypervisor.Soft.Memory;

namespace Hospes.Hypervisor.Soft.Decode;

/// <summary>
/// The decoded blocks of one vCPU. Two ways lead to a block: a small direct-mapped table by RIP, valid for one state of the TLB, and a hash
/// table by the host address of the first byte, which survives TLB flushes. A block is stale once the generation of a page that
/// it was decoded from has moved on.
/// </summary>
internal sealed unsafe class BlockCache : IDisposable
{
    // SAFETY: blocks live in the arena; Reset clears both tables before the arena is reused.

    private const int QuickBits = 13, QuickCount = 1 << QuickBits, HashBits = 18, HashCount = 1 << HashBits;

    /// <summary>When the arena has grown to this, all blocks are dropped.</summary>
    private const long MaxBytes = 47L << 20;

    private readonly Arena _arena = new(1 << 20);
    private readonly Quick* _quick;
    private readonly Block** _hash;
    private readonly void* _single = NativeMemory.AlignedAlloc(512, 64);
    private readonly PageInfo* _floatingPage = (PageInfo*)NativeMemory.AllocZeroed((nuint)sizeof(PageInfo));
    private readonly BlockDecoder _decoder;
    private readonly Mmu _mmu;
    private readonly ICodeFence _fence;

    public BlockCache(BlockDecoder decoder, Mmu mmu, ICodeFence fence)
    {
        _decoder = decoder;
        _mmu = mmu;
        _fence = fence;
        _quick = (Quick*)NativeMemory.AlignedAlloc((nuint)(QuickCount * sizeof(Quick)), 64);
        _hash = (Block**)NativeMemory.AlignedAlloc(HashCount * (nuint)sizeof(Block*), 64);
        Reset();
    }

    /// <summary>Addresses of 64-bit code before which blocks end while a debugger looks; <see cref="Reset"/> follows a change.</summary>
    public IReadOnlySet<ulong>? Breakpoints
    {
        set => _decoder.Breakpoints = value;
    }

    /// <summary>Called when all blocks have been dropped.</summary>
    public Action Dropped { get; set; } = static () => { };

    /// <summary>Blocks decoded since creation.</summary>
    public long Decoded { get; private set; }

    /// <summary>The error code of the page fault that <see cref="Find"/> found.</summary>
    public int FetchError { get; private set; }

    /// <summary>
    /// The block at the processor's RIP, decoded now if need be. Null when its page faults, with CR2 set and the code in <see cref="FetchError"/>: programs
    /// that have just begun do little else. Everything else faults as the fetch does.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Block* Find(CpuState* s)
    {
        ulong rip = s->Rip;
        Quick* quick = _quick + ((rip ^ (rip >> QuickBits)) & (QuickCount - 1));
        if (quick->Rip == rip && quick->Generation == s->TlbGeneration)
        {
            Block* block = quick->Block;
            if (block->Mode == s->Mode && block->IsCurrent) return block;
        }
        return FindSlow(s, quick);
    }

    /// <summary>The block at an address that is in the TLB and was decoded before, or null. Has no effect on the guest.</summary>
    public Block* Peek(CpuState* s, ulong rip)
    {
        if (!_mmu.TryFetchHit(rip, out byte* host)) return null;
        for (Block* at = _hash[Hash(host)]; at != null; at = at->Next)
        {
            if (at->Host == host && at->Rip == rip && at->Mode == s->Mode && at->LastHostPage == null && at->IsCurrent) return at;
        }
        return null;
    }

    /// <summary>As <see cref="Peek"/>, and decodes what was not decoded before, where there is room.</summary>
    public Block* PeekOrDecode(CpuState* s, ulong rip)
    {
        if (Peek(s, rip) is var known && known != null) return known;
        if (!_mmu.TryFetchHit(rip, out _) || _arena.BytesUsed > MaxBytes) return null;
        ulong at = s->Rip;
        s->Rip = rip;
        try
        {
            Block* block = Find(s);
            return block != null && block->LastHostPage == null ? block : null;
        }
        catch (GuestFault)
        {
            // Its one instruction runs into a page that cannot be fetched: whoever executes it finds out.
            return null;
        }
        finally
        {
            s->Rip = at;
        }
    }

    /// <summary>A fresh block of one instruction at RIP, for stepping. Valid until the next call of this method.</summary>
    public Block* DecodeOne(CpuState* s)
    {
        BeginFetch(s);
        ulong linear = Linear(s, s->Rip);
        byte* host = _mmu.Fetch(linear, out PageInfo* page);
        return Build(s, linear, host, page, limit: 1, (Block*)_single, (Op*)((byte*)_single + sizeof(Block)));
    }

    /// <summary>Drops every block.</summary>
    public void Reset()
    {
        new Span<byte>(_quick, QuickCount * sizeof(Quick)).Clear();
        new Span<byte>(_hash, HashCount * sizeof(Block*)).Clear();
        _arena.Reset();
        Dropped();
    }

    public void Dispose()
    {
        _arena.Dispose();
        NativeMemory.AlignedFree(_quick);
        NativeMemory.AlignedFree(_hash);
        NativeMemory.AlignedFree(_single);
        NativeMemory.Free(_floatingPage);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private Block* FindSlow(CpuState* s, Quick* quick)
    {
        BeginFetch(s);
        ulong linear = Linear(s, s->Rip);
        PageInfo* page = null;
        if (!_mmu.TryFetchHit(linear, out byte* host))
        {
            if (!_mmu.TryFetch(linear, out host, out page, out int error))
            {
                FetchError = error;
                return null;
            }
        }
        else if (quick->Rip == s->Rip && quick->Block != null && quick->Block->Host == host && quick->Block->Mode == s->Mode && quick->Block->LastHostPage == null && quick->Block->IsCurrent)
        {
            // The TLB was flushed since, and the page is still the same.
            quick->Generation = s->TlbGeneration;
            return quick->Block;
        }
        Block* block = null;
        if (host != null)
        {
            Block** bucket = _hash + Hash(host);
            for (Block* at = *bucket; at != null; at = at->Next)
            {
                if (at->Host == host && at->Rip == s->Rip && at->Mode == s->Mode && at->IsCurrent && SecondPageIs(s, at))
                {
                    block = at;
                    break;
                }
            }
        }
        if (block == null)
        {
            if (_arena.BytesUsed > MaxBytes) Reset();
            if (page == null && host != null) host = _mmu.Fetch(linear, out page);
            block = Build(s, linear, host, page, BlockDecoder.MaxOps, null, null);
            Decoded++;
            Block** bucket = _hash + Hash(block->Host);
            block->Next = *bucket;
            *bucket = block;
        }
        quick->Rip = s->Rip;
        quick->Block = block;
        quick->Generation = s->TlbGeneration;
        return block;
    }

    /// <summary>A block whose last instruction crosses a page is the same only while the second page is.</summary>
    private bool SecondPageIs(CpuState* s, Block* block)
    {
        if (block->LastHostPage == null) return true;
        ulong second = (Linear(s, block->Rip) & TlbEntry.PageMask) + 4096;
        return _mmu.Fetch(second, out _) == block->LastHostPage;
    }

    /// <summary>Decodes a block. A write by another vCPU during the decoding moves a generation on, and the block is then stale at birth.</summary>
    private Block* Build(CpuState* s, ulong linear, byte* host, PageInfo* page, int limit, Block* into, Op* ops)
    {
        int inPage = (int)(4096 - (linear & 0xFFF));
        byte* second = null;
        if (host == null) page = _floatingPage;
        PageInfo* secondPage = page;
        uint firstGeneration = Volatile.Read(ref page->Generation), lastGeneration = firstGeneration;
        // Where no RAM is, a fetch reads all ones: FF FF is an invalid opcode.
        ReadOnlySpan<byte> floating = [0xFF, 0xFF];
        if (host == null)
        {
            _decoder.Buffer.Load(floating);
            _decoder.Decode(s->Rip, s->Mode, 1);
        }
        else
        {
            // Marked first, copied and decoded then: a write after the marking is noticed and moves the generation on.
            MarkCode(host, page, (uint)(linear & 0xFFF), (uint)Math.Min(inPage, 64));
            while (true)
            {
                _decoder.Buffer.Load(new ReadOnlySpan<byte>(host, inPage));
                _decoder.Decode(s->Rip, s->Mode, limit);
                if (_decoder.NeedsMore)
                {
                    second = _mmu.Fetch((linear & TlbEntry.PageMask) + 4096, out secondPage);
                    if (second != null)
                    {
                        lastGeneration = Volatile.Read(ref secondPage->Generation);
                        MarkCode(second, secondPage, 0, 16);
                        _decoder.Buffer.Append(new ReadOnlySpan<byte>(second, 15));
                    }
                    else
                    {
                        secondPage = page;
                        _decoder.Buffer.Append(floating);
                    }
                    _decoder.Decode(s->Rip, s->Mode, 1);
                }
                uint decoded = (uint)Math.Min(_decoder.Length, inPage);
                if (Covers(page, (uint)(linear & 0xFFF), decoded)) break;
                MarkCode(host, page, (uint)(linear & 0xFFF), decoded);
            }
        }
        int count = _decoder.Count;
        if (into == null)
        {
            into = (Block*)_arena.Allocate((nuint)sizeof(Block));
            ops = (Op*)_arena.Allocate((nuint)(count * sizeof(Op)));
        }
        *into = new Block
        {
            Rip = s->Rip,
            EndRip = Truncate(s, s->Rip + (ulong)_decoder.Length),
            Mode = s->Mode,
            Count = count,
            Ops = ops,
            FirstPage = page,
            LastPage = secondPage,
            FirstGeneration = firstGeneration,
            LastGeneration = lastGeneration,
            Host = host,
            LastHostPage = second,
        };
        _decoder.Ops.CopyTo(new Span<Op>(ops, count));
        return into;
    }

    /// <summary>Makes sure that writes to the stretch are noticed by every vCPU from now on.</summary>
    private void MarkCode(byte* host, PageInfo* page, uint offset, uint size)
    {
        size = Math.Min(Math.Max(size, 1), 4096 - offset);
        bool first;
        lock (_mmu.Map.CodeGate)
        {
            first = page->HasCode == 0;
            page->AddCode(offset, size);
            Volatile.Write(ref page->HasCode, 1);
        }
        if (!first) return;
        _mmu.ProtectCode((byte*)((ulong)host & TlbEntry.PageMask));
        _fence.OtherProcessorsDropWritableTranslations();
    }

    private bool Covers(PageInfo* page, uint offset, uint size)
    {
        lock (_mmu.Map.CodeGate)
        {
            for (uint at = offset; at < offset + size; at += PageInfo.ChunkBytes)
            {
                if (!page->HasCodeIn(at, Math.Min(PageInfo.ChunkBytes, offset + size - at))) return false;
            }
            return size == 0 || page->HasCodeIn(offset + size - 1, 1);
        }
    }

    /// <summary>A fault from here on is the fetch's own: RIP is what it is.</summary>
    private static void BeginFetch(CpuState* s)
    {
        s->CurrentOp = null;
        if ((s->Mode & Mode.Code64) == 0 && s->Rip > s->Cs.Limit) Fault.GeneralProtection(s);
    }

    private static ulong Linear(CpuState* s, ulong rip) => (s->Mode & Mode.Code64) != 0 ? rip : (uint)(s->Cs.Base + rip);

    private static ulong Truncate(CpuState* s, ulong rip) =>
        (s->Mode & Mode.Code64) != 0 ? rip : (uint)rip;

    private static int Hash(byte* host) => (int)(((ulong)host * 0x9E3779B97F4A7C15) >> (64 - HashBits));

    private struct Quick
    {
        public ulong Rip;
        public Block* Block;
        public uint Generation;
    }
}

/// <summary>Lets a vCPU that is about to decode code from a page make sure that no other vCPU can write it unnoticed.</summary>
internal interface ICodeFence
{
    /// <summary>Returns when every other vCPU of the guest has dropped its writable translations or runs no guest code.</summary>
    void OtherProcessorsDropWritableTranslations();
}
