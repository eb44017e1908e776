using System.Runtime.InteropServices;
using Hospes.Hypervisor.Soft.Cpu;
using Hospes.Hypervisor.Soft.Interpret;

namespace Hospes.Hypervisor.Soft.Memory;

/// <summary>
/// The memory management unit of one virtual processor: TLB fills and the slow paths of <see cref="Mem"/>. A TLB per
/// <see cref="Privilege"/>, and one that is never filled for when every access must be looked at (alignment checks).
/// Used on the vCPU's thread only.
/// </summary>
internal unsafe class Mmu
{
    // SAFETY: the TLBs are one native array that lives as long as this object; host pointers come from PhysicalMap.

    private readonly CpuState* _state;
    private readonly PhysicalMap _map;
    private readonly IDeviceAccess _devices;
    private readonly object _splitLock;
    private readonly TlbTables _tables;
    private readonly TrialEnd _trialEnd = new();
    private readonly WalkCache _walks = new();
    private PagingContext _context;
    private WriteJournal? _journal;

    public Mmu(CpuState* state, PhysicalMap map, IDeviceAccess devices, object splitLock)
    {
        _state = state;
        _map = map;
        _devices = devices;
        _splitLock = splitLock;
        _tables = new TlbTables(state);
    }

    /// <summary>Whether written pages go to the dirty log: they then enter the TLB as writable only once logged.</summary>
    public bool DirtyLogging { get; set; }

    /// <summary>Guest RAM.</summary>
    public PhysicalMap Map => _map;

    /// <summary>From here on every access is looked at: writes are noted, and an access to more than memory ends the trial with <see cref="TrialEnd"/>.</summary>
    public void BeginTrial(WriteJournal journal)
    {
        _journal = journal;
        _state->Tlb = _tables.Table(TlbTables.NeverFilled);
    }

    /// <summary>Ends what <see cref="BeginTrial"/> began; the caller sets the TLB back.</summary>
    public void EndTrial() => _journal = null;

    /// <summary>Takes over changed paging registers and forgets every translation.</summary>
    public void Reload()
    {
        CpuState* s = _state;
        _context = new PagingContext(s->Cr0, s->Cr3, s->Cr4, s->Efer, s->Pkru);
        Flush();
    }

    /// <summary>Forgets every translation.</summary>
    public void Flush()
    {
        _tables.ForgetAll();
        _state->TlbGeneration++;
    }

    /// <summary>CR3 was written: forgets the translations of the address space, but not those of global pages (SDM vol. 3, 4.10.4.1).</summary>
    public void SwitchSpace()
    {
        CpuState* s = _state;
        _context = new PagingContext(s->Cr0, s->Cr3, s->Cr4, s->Efer, s->Pkru);
        _tables.ForgetLocal();
        s->TlbGeneration++;
    }

    /// <summary>Forgets the translation of one page.</summary>
    public void FlushPage(ulong linear)
    {
        _tables.Forget(linear);
        _state->TlbGeneration++;
    }

    /// <summary>Takes the TLB that the mode asks for. To be called when the mode changed.</summary>
    public void SelectTlb() => _state->Tlb = _tables.Table((_state->Mode & Mode.Inspected) != 0 ? TlbTables.NeverFilled : (int)Current);

    /// <summary>Reads with the current privilege: across pages, from devices, or after a TLB miss.</summary>
    public void Read(ulong address, byte* destination, int size)
    {
        Inspect(address, size, write: false);
        ReadAs(Current, address, destination, size);
    }

    /// <summary>Writes with the current privilege: across pages, to devices, to pages that hold decoded code, or after a TLB miss.</summary>
    public void Write(ulong address, byte* source, int size)
    {
        Inspect(address, size, write: true);
        WriteAs(Current, address, source, size);
    }

    /// <summary>Reads a descriptor table, the TSS or the IDT: an implicit supervisor access (SDM vol. 3, 4.6.1).</summary>
    public T ReadSystem<T>(ulong address)
        where T : unmanaged
    {
        T value;
        ReadAs(Privilege.Supervisor, address, (byte*)&value, sizeof(T));
        return value;
    }

    /// <summary>Writes a descriptor table, the TSS, or a stack of an inner privilege: an implicit supervisor access.</summary>
    public void WriteSystem<T>(ulong address, T value)
        where T : unmanaged => WriteAs(Privilege.Supervisor, address, (byte*)&value, sizeof(T));

    /// <summary>Reads with the rights of user mode or supervisor mode as the given CPL has them.</summary>
    public void ReadAs(Privilege privilege, ulong address, byte* destination, int size)
    {
        int first = Math.Min(size, (int)(4096 - (address & 0xFFF)));
        if (first != size) CheckCanonical(Next(address));
        ulong physical = Resolve(address, Access.Read, privilege);
        if (first == size)
        {
            ReadPhysical(physical, destination, size);
            return;
        }
        ulong second = Resolve(Next(address), Access.Read, privilege);
        ReadPhysical(physical, destination, first);
        ReadPhysical(second, destination + first, size - first);
    }

    /// <summary>Writes with the given rights. Nothing is written when a page of the range refuses.</summary>
    public void WriteAs(Privilege privilege, ulong address, byte* source, int size)
    {
        int first = Math.Min(size, (int)(4096 - (address & 0xFFF)));
        if (first != size) CheckCanonical(Next(address));
        ulong physical = Resolve(address, Access.Write, privilege);
        if (first == size)
        {
            WritePhysical(physical, source, size);
            return;
        }
        ulong second = Resolve(Next(address), Access.Write, privilege);
        WritePhysical(physical, source, first);
        WritePhysical(second, source + first, size - first);
    }

    /// <summary>See <see cref="Mem.BeginModify"/>: answers a host pointer, or the scratch area with the value in it.</summary>
    public byte* BeginModify(ulong address, int size)
    {
        Inspect(address, size, write: false);
        Privilege privilege = Current;
        bool crosses = (address & 0xFFF) + (ulong)size > 4096;
        if (crosses) CheckCanonical(Next(address));
        Resolve(address, Access.Write, privilege);
        if (crosses) Resolve(Next(address), Access.Write, privilege);
        TlbEntry* entry = _state->Tlb + TlbEntry.Index(address);
        if (TlbEntry.Hits(entry->Write, address, size)) return (byte*)(entry->Host + (address & 0xFFF));
        ReadAs(privilege, address, _state->Scratch, size);
        return _state->Scratch;
    }

    /// <summary>
    /// Brings the page of an access with the current privilege into the TLB. A page fault is an answer here, with CR2 set, and not an exception;
    /// everything out of the ordinary is left to the instruction's handler.
    /// </summary>
    public Prepared Prepare(ulong address, int size, bool write, out int error)
    {
        error = 0;
        if ((address & 0xFFF) + (ulong)size > 4096 || !Addresses.IsCanonical(address)) return Prepared.Other;
        Access access = write ? Access.Write : Access.Read;
        Privilege privilege = Current;
        if (!Walk(address, access, privilege, out Translation found))
        {
            _state->Cr2 = address;
            error = found.Error;
            return Prepared.Fault;
        }
        Fill(address, access, privilege, found);
        TlbEntry* entry = _tables.Entry(privilege, address);
        return TlbEntry.Hits(write ? entry->Write : entry->Read, address, size) ? Prepared.Ready : Prepared.Other;
    }

    /// <summary>Faults unless the whole range can be accessed with the current privilege.</summary>
    public void Probe(ulong address, int size, bool write) => ProbeAs(Current, address, size, write);

    /// <summary>Faults unless the whole range can be accessed with the given privilege.</summary>
    public void ProbeAs(Privilege privilege, ulong address, int size, bool write)
    {
        Access access = write ? Access.Write : Access.Read;
        ulong last = Wrap(address + (ulong)Math.Max(size, 1) - 1);
        CheckCanonical(last);
        for (ulong page = address; ; page = Next(page))
        {
            Resolve(page, access, privilege);
            if (((page ^ last) & TlbEntry.PageMask) == 0) return;
        }
    }

    /// <summary>Where the bytes of an instruction at a linear address are in host memory; null where no RAM is.</summary>
    public byte* Fetch(ulong linear, out PageInfo* page)
    {
        if (!TryFetch(linear, out byte* host, out page, out int error)) Fault.Raise(_state, Vector.PageFault, error);
        return host;
    }

    /// <summary>As <see cref="Fetch"/>, with a page fault as an answer: CR2 is set then.</summary>
    public bool TryFetch(ulong linear, out byte* host, out PageInfo* page, out int error)
    {
        CheckCanonical(linear, isFetch: true);
        Privilege privilege = Current;
        error = 0;
        if (Walk(linear, Access.Execute, privilege, out Translation found))
        {
            Fill(linear, Access.Execute, privilege, found);
            host = _map.Locate(found.Physical, out page);
            return true;
        }
        _state->Cr2 = linear;
        error = found.Error;
        host = null;
        page = null;
        return false;
    }

    /// <summary>The physical address of a fetch when the TLB has it; otherwise false.</summary>
    public bool TryFetchHit(ulong linear, out byte* host)
    {
        TlbEntry* entry = _tables.Entry(Current, linear);
        host = (byte*)(entry->Host + (linear & 0xFFF));
        return entry->Execute == TlbEntry.ExecuteKey(linear, entry->Host);
    }

    /// <summary>Takes write permission for a page, found by its host address, out of the TLBs: it now holds decoded code.</summary>
    public void ProtectCode(byte* hostPage) => _tables.Protect((ulong)hostPage);

    public void EnterSplitLock() => Monitor.Enter(_splitLock);

    public void LeaveSplitLock() => Monitor.Exit(_splitLock);

    /// <summary>Translates without any effect on the guest but accessed bits, for debuggers: false when not mapped.</summary>
    public bool TryTranslate(ulong linear, Access access, Privilege privilege, out Translation translation) =>
        PageWalk.Walk(_map, _context, linear, access, privilege, out translation);

    private Privilege Current => ModeUpdate.PrivilegeOf(_state->Mode);

    /// <summary>Linear addresses have 32 bits outside IA-32e mode and wrap there.</summary>
    private ulong Wrap(ulong address) => _context.IsLong ? address : (uint)address;

    private ulong Next(ulong address) => Wrap((address & TlbEntry.PageMask) + 4096);

    private ulong Resolve(ulong linear, Access access, Privilege privilege)
    {
        CheckCanonical(linear, access == Access.Execute);
        if (!Walk(linear, access, privilege, out Translation found))
        {
            _state->Cr2 = linear;
            Fault.Raise(_state, Vector.PageFault, found.Error);
        }
        Fill(linear, access, privilege, found);
        return found.Physical;
    }

    private bool Walk(ulong linear, Access access, Privilege privilege, out Translation found) =>
        _walks.TryWalk(_map, _context, _state->TlbGeneration, linear, access, privilege, out found) || PageWalk.Walk(_map, _context, linear, access, privilege, out found);

    /// <summary>The whole of an access must be canonical before any of its pages is looked up.</summary>
    private void CheckCanonical(ulong linear, bool isFetch = false)
    {
        if ((_state->Efer & ControlRegisters.EferLma) == 0 || (ulong)((long)(linear << 16) >> 16) == linear) return;
        // An access through SS, or of the stack itself, answers #SS (SDM vol. 1, 3.3.7.1).
        if (!isFetch && IsStackAccess(linear)) Fault.Stack(_state);
        Fault.GeneralProtection(_state);
    }

    /// <summary>Whether the running instruction reaches an address through SS: by its operand's segment, or because it pushes or pops.</summary>
    private bool IsStackAccess(ulong linear)
    {
        Decode.Op* op = _state->CurrentOp;
        if (op == null) return false;
        if (!op->HasMemory) return true;
        // String instructions have operands of their own; none is in the stack segment in 64-bit mode.
        if (op->Address == Decode.AddressKind.Segmented) return false;
        bool isOperand = linear - Mem.Address(_state, op) < 4096;
        return op->Segment == 2 || (!isOperand && linear - _state->General[4] + 16 <= 32);
    }

    private void Fill(ulong linear, Access access, Privilege privilege, in Translation found)
    {
        ulong physicalPage = found.Physical & TlbEntry.PageMask;
        byte* host = _map.Locate(physicalPage, out PageInfo* page);
        if (host == null || _map.IsTrapped(physicalPage) || _devices.IsDevicePage(physicalPage)) return;
        ulong tag = linear & TlbEntry.PageMask;
        TlbEntry* entry = _tables.Entry(privilege, linear);
        ulong key = TlbEntry.ExecuteKey(tag, (ulong)host);
        if (entry->Host != (ulong)host || (entry->Read != tag && entry->Write != tag && entry->Execute != key))
        {
            TlbEntry.Clear(entry, TlbEntry.Index(linear));
            entry->Host = (ulong)host;
        }
        _tables.Note(entry, found.Global && _context.HasGlobalPages);
        if (found.CanRead) entry->Read = tag;
        if (found.CanExecute && access == Access.Execute) entry->Execute = key;
        if (!found.CanWrite || Volatile.Read(ref page->HasCode) != 0) return;
        if (access == Access.Write)
        {
            if (DirtyLogging) _map.MarkDirty(physicalPage);
            entry->Write = tag;
        }
        else if (!DirtyLogging)
        {
            entry->Write = tag;
        }
    }

    private void ReadPhysical(ulong physical, byte* destination, int size)
    {
        byte* host = _map.Locate(physical, out _);
        if (host != null && !_map.IsTrapped(physical) && !_devices.IsDevicePage(physical & TlbEntry.PageMask))
        {
            Copy(destination, host, size);
            return;
        }
        if (_journal is not null) throw _trialEnd;
        for (int done = 0; done < size;)
        {
            int part = PartSize(physical + (ulong)done, size - done);
            ulong value = _devices.Read(physical + (ulong)done, part);
            new ReadOnlySpan<byte>(&value, part).CopyTo(new Span<byte>(destination + done, part));
            done += part;
        }
    }

    private void WritePhysical(ulong physical, byte* source, int size)
    {
        byte* host = _map.Locate(physical, out PageInfo* page);
        if (host != null && !_map.IsTrapped(physical) && !_devices.IsDevicePage(physical & TlbEntry.PageMask))
        {
            if (_journal is not null)
            {
                if (Volatile.Read(ref page->HasCode) != 0) throw _trialEnd;
                _journal.Note(host, source, size);
            }
            if (Volatile.Read(ref page->HasCode) != 0)
            {
                _devices.BeforeCodeWrite(physical, size);
                // The bytes first: a processor that sees the new generation must decode the new bytes.
                Copy(host, source, size);
                _map.InvalidateCode(page, (uint)(physical & 0xFFF), (uint)size);
            }
            else
            {
                Copy(host, source, size);
            }
            if (DirtyLogging) _map.MarkDirty(physical);
            return;
        }
        if (_journal is not null) throw _trialEnd;
        for (int done = 0; done < size;)
        {
            int part = PartSize(physical + (ulong)done, size - done);
            ulong value = 0;
            new ReadOnlySpan<byte>(source + done, part).CopyTo(new Span<byte>(&value, part));
            _devices.Write(physical + (ulong)done, part, value);
            done += part;
        }
    }

    /// <summary>Naturally aligned numbers are copied in one access, as other processors expect of them.</summary>
    private static void Copy(byte* to, byte* from, int size)
    {
        switch (size)
        {
            case 1: *to = *from; break;
            case 2: *(ushort*)to = *(ushort*)from; break;
            case 4: *(uint*)to = *(uint*)from; break;
            case 8: *(ulong*)to = *(ulong*)from; break;
            default: new ReadOnlySpan<byte>(from, size).CopyTo(new Span<byte>(to, size)); break;
        }
    }

    private static int PartSize(ulong address, int left)
    {
        int part = 8;
        while (part > left || (address & (ulong)(part - 1)) != 0) part >>= 1;
        return part;
    }

    /// <summary>What every access is looked at for while the TLB is the one that is never filled: alignment and data breakpoints.</summary>
    private void Inspect(ulong address, int size, bool write)
    {
        if ((_state->Mode & Mode.Inspected) == 0) return;
        if (ModeUpdate.ChecksAlignment(_state) && (address & (ulong)(Math.Min(size, 16) - 1)) != 0)
        {
            CheckCanonical(address);
            CheckCanonical(address + (ulong)size - 1);
            Fault.Raise(_state, Vector.AlignmentCheck, 0);
        }
        if ((_state->Mode & Mode.Breakpoints) != 0) Debugger.Accessed(SoftVcpu.From(_state), address, size, write);
        if ((_state->Mode & Mode.Debugged) != 0) SoftVcpu.From(_state).NoteAccess(address, size, write);
    }
}
