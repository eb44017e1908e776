using System.Runtime.InteropServices;
using Hospes.Hypervisor.Soft.Cpu;
using Hospes.Hypervisor.Soft.Decode;
using Hospes.Hypervisor.Soft.Emit;
using Hospes.Hypervisor.Soft.Memory;

namespace Hospes.Hypervisor.Soft.Translate;

/// <summary>
/// What one processor has translated: the code, the places where it leaves, which blocks stand on which page, and the tables of indirect branches.
/// Bounded; when it is full everything is dropped. Used on the vCPU's thread only, but for <see cref="PageChanged"/>.
/// </summary>
internal sealed unsafe class CodeCache : IDisposable
{
    // SAFETY: blocks outlive their translations (both are dropped together); exits are in native memory of this object.

    /// <summary>
    /// Bytes of code, and how many places it may leave at. With the decoded blocks and all tables of a vCPU they stay under 96 MiB, and are used up at about the
    /// same time by a system that starts, which meets more code than anything else does.
    /// </summary>
    private const int CodeBytes = 16 << 20, MaxExits = 350 << 10;

    /// <summary>Room that a trace is sure to find: its instructions, twice, with everything that can surround them.</summary>
    public const int RoomPerTrace = Trace.MaxSteps * 512, ExitsPerTrace = Trace.MaxSteps * 8 + 32;

    private const int PageBits = 16;

    private readonly CodeMemory _memory;
    private readonly CpuState* _state;
    private readonly NativeExit* _exits;
    private readonly PageLink** _pages;
    private readonly Arena _links = new(64 << 10);
    private readonly Mode[] _modes = new Mode[CpuArea.JumpTables];
    private readonly Lock _gate = new();
    private readonly List<nint> _changed = [];
    private readonly byte* _firstBlock;
    private int _exitCount, _modeCount;

    private CodeCache(CodeMemory memory, CpuState* state)
    {
        _memory = memory;
        _state = state;
        Assembler = new Assembler(memory);
        _exits = (NativeExit*)NativeMemory.Alloc(MaxExits, (nuint)sizeof(NativeExit));
        _pages = (PageLink**)NativeMemory.AllocZeroed(1 << PageBits, (nuint)sizeof(PageLink*));
        Stubs = new Stubs(Assembler);
        _firstBlock = Assembler.Position;
    }

    /// <summary>Where code is written.</summary>
    public Assembler Assembler { get; }

    /// <summary>The ways in and out.</summary>
    public Stubs Stubs { get; }

    /// <summary>How often everything was dropped because there was no room.</summary>
    public int Resets { get; private set; }

    /// <summary>How many translations were made to lead nowhere because their page changed.</summary>
    public long Invalidations { get; private set; }

    /// <summary>Bytes of code in use.</summary>
    public long CodeBytesUsed => Assembler.Position - Assembler.Start;

    /// <summary>Makes a cache, or answers null where the host does not allow emitted code.</summary>
    public static CodeCache? TryCreate(CpuState* state)
    {
        if (!HostSupport.CanTranslate) return null;
        CodeMemory? memory = CodeMemory.TryCreate(CodeBytes);
        return memory == null ? null : new CodeCache(memory, state);
    }

    /// <inheritdoc cref="CodeMemory.WriteDelta"/>
    public nint WriteDelta => _memory.WriteDelta;

    /// <summary>Whether a trace of any size fits.</summary>
    public bool HasRoom => Assembler.Room >= RoomPerTrace && MaxExits - _exitCount >= ExitsPerTrace;

    /// <summary>The exit with a number.</summary>
    public NativeExit* Exit(int number) => _exits + number;

    /// <summary>A new exit; its number goes into the code.</summary>
    public int AddExit(in NativeExit exit)
    {
        _exits[_exitCount] = exit;
        return _exitCount++;
    }

    /// <summary>The distance from the state of the table of indirect branches for a mode, or -1 when there are more modes than tables.</summary>
    public int JumpTable(Mode mode)
    {
        int slot = Array.IndexOf(_modes, mode, 0, _modeCount);
        if (slot < 0)
        {
            if (_modeCount == _modes.Length) return -1;
            slot = _modeCount++;
            _modes[slot] = mode;
            ClearJumps(slot);
        }
        return CpuArea.JumpsOffset + slot * CpuArea.JumpBytes;
    }

    /// <summary>Lets indirect branches find a block.</summary>
    public void AddJump(Block* block)
    {
        int table = JumpTable(block->Mode);
        if (table < 0) return;
        var entry = (JumpEntry*)((byte*)_state + table) + (block->Rip & (CpuArea.JumpCount - 1));
        entry->Rip = block->Rip;
        entry->Code = block->Entry;
    }

    /// <summary>Notes which pages a trace stands on. False when they have changed since it was decoded.</summary>
    public bool Register(Block* head, ReadOnlySpan<nint> blocks)
    {
        head->Chain = (Block**)_links.Allocate((nuint)(blocks.Length * sizeof(Block*)));
        head->ChainLength = blocks.Length;
        for (int i = 0; i < blocks.Length; i++)
        {
            var block = (Block*)blocks[i];
            head->Chain[i] = block;
            AddLink(head, block->FirstPage);
            if (block->LastPage != block->FirstPage) AddLink(head, block->LastPage);
        }
        bool current = true;
        for (int i = 0; i < blocks.Length; i++) current &= ((Block*)blocks[i])->IsCurrent;
        return current;
    }

    /// <summary>Any thread: decoded code of a page was overwritten.</summary>
    public void PageChanged(PageInfo* page)
    {
        lock (_gate) _changed.Add((nint)page);
    }

    /// <summary>Makes the translations of changed pages lead nowhere.</summary>
    public void TakeChanges()
    {
        lock (_gate)
        {
            foreach (nint page in _changed) Unlink((PageInfo*)page);
            _changed.Clear();
        }
    }

    /// <summary>Drops all code.</summary>
    public void Reset()
    {
        Assembler.Position = _firstBlock;
        _exitCount = 0;
        _links.Reset();
        new Span<nint>(_pages, 1 << PageBits).Clear();
        _modeCount = 0;
        Resets++;
    }

    public void Dispose()
    {
        _memory.Dispose();
        NativeMemory.Free(_exits);
        NativeMemory.Free(_pages);
        _links.Dispose();
    }

    private PageLink** Bucket(PageInfo* page) => _pages + (((ulong)page * 0x9E3779B97F4A7C15) >> (64 - PageBits));

    private void AddLink(Block* block, PageInfo* page)
    {
        // The blocks of a trace share pages more often than not; the newest link is this trace's then.
        if (*Bucket(page) is var newest && newest != null && newest->Block == block && newest->Page == page) return;
        var link = (PageLink*)_links.Allocate((nuint)sizeof(PageLink));
        PageLink** bucket = Bucket(page);
        *link = new PageLink { Block = block, Page = page, Next = *bucket };
        *bucket = link;
    }

    private void Unlink(PageInfo* page)
    {
        PageLink** at = Bucket(page);
        while (*at != null)
        {
            PageLink* link = *at;
            if (link->Page == page)
            {
                Kill(link->Block);
                *at = link->Next;
            }
            else
            {
                at = &link->Next;
            }
        }
    }

    /// <summary>Whoever comes to a dead block leaves to look its address up.</summary>
    private void Kill(Block* block)
    {
        if (block->Fast == null) return;
        // An exit of its own was reserved when the block was translated.
        Assembler.JumpAt(block->Entry, block->Dead);
        Assembler.JumpAt(block->Fast, block->Dead);
        // It may be its trace only that has changed elsewhere: then it is worth another one.
        block->Fast = block->Entry = null;
        block->Heat = 0;
        Invalidations++;
    }

    private void ClearJumps(int slot)
    {
        var entries = (JumpEntry*)((byte*)_state + CpuArea.JumpsOffset + slot * CpuArea.JumpBytes);
        // An address that belongs to another index is never found here.
        for (int i = 0; i < CpuArea.JumpCount; i++) entries[i].Rip = (ulong)i ^ 1;
    }

    private struct JumpEntry
    {
        public ulong Rip;
        public byte* Code;
    }

    private struct PageLink
    {
        public Block* Block;
        public PageInfo* Page;
        public PageLink* Next;
    }
}
