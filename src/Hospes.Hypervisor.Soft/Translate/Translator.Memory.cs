using Hospes.Hypervisor.Soft.Cpu;
using Hospes.Hypervisor.Soft.Emit;
using Hospes.Hypervisor.Soft.Memory;
using Iced.Intel;
using Assembler = Hospes.Hypervisor.Soft.Emit.Assembler;

namespace Hospes.Hypervisor.Soft.Translate;

/// <summary>Addresses and the inline TLB.</summary>
internal sealed unsafe partial class Translator
{
    /// <summary>A host register gets the offset of the instruction's memory operand (and something more), 64 or 32 bits of it. Uses both scratch registers.</summary>
    private void EmitAddress(int destination, bool wide, int more = 0)
    {
        _scratchWindow = -1;
        int scratch = RegisterMap.Scratch0;
        int basis = -1, index = -1;
        if (_op->Base != CpuState.ZeroOffset) basis = Loaded(_op->Base / 8, scratch);
        if (_op->Index != CpuState.ZeroOffset) index = Loaded(_op->Index / 8, basis == scratch ? RegisterMap.Scratch1 : scratch);
        long displacement = (long)_op->Disp + more;
        if (basis < 0 && index < 0)
        {
            _a.Constant(destination, wide ? (ulong)displacement : (uint)displacement);
        }
        else
        {
            _a.Rex(wide, destination, Math.Max(index, 0), Math.Max(basis, 0));
            _a.Byte(0x8D);
            _a.ModMemory(destination, basis, index, _op->Scale, (int)displacement);
        }
    }

    /// <summary>A host register that holds a guest register: its home, or the scratch given.</summary>
    private int Loaded(int guest, int scratch)
    {
        int home = RegisterMap.Home(guest);
        if (home >= 0) return home;
        _a.RegState(0x8B, scratch, guest * 8);
        return scratch;
    }

    /// <summary>Adds the base of FS or GS to the address in Scratch0. The flags must be saved.</summary>
    private void AddSegmentBase()
    {
        if (_op->Segment < 4) return;
        _a.RegState(0x03, RegisterMap.Scratch0, _op->Segment == 4 ? StateOffset.FsBase : StateOffset.GsBase);
    }

    /// <summary>
    /// Emits the look-up of the instruction's memory operand. Behind it the operand is at [Scratch0 + the answer], the flags are saved and Scratch1 is free.
    /// Answers null when the whole instruction should be interpreted.
    /// </summary>
    private int? EmitOperand(in Instruction instruction, bool write, bool aligned)
    {
        int size = instruction.MemorySize.GetSize();
        if (size is <= 0 or > 64) return null;
        if (EmitFromWindow(isStack: false) is { } offset) return offset;
        bool constant = _op->Base == CpuState.ZeroOffset && _op->Index == CpuState.ZeroOffset && _op->Segment < 4 && _op->AddressSize == 8;
        if (constant) return EmitConstantOperand(_op->Disp, size, write, aligned);
        Clobber();
        byte* retry = _a.Position;
        EmitAddress(RegisterMap.Scratch0, _op->AddressSize == 8);
        AddSegmentBase();
        EmitLookUp(size, write, aligned, AccessedAddress.Operand, retry);
        return 0;
    }

    /// <summary>The host's address of an access in a window; null when it is in none.</summary>
    private int? EmitFromWindow(bool isStack)
    {
        if (_plan.Find(_index, isStack) is not { } place) return null;
        if (place.Opens) OpenWindow(place, isStack);
        else if (_scratchWindow != place.Window) _a.RegState(0x8B, S0, StateOffset.Windows + place.Window * 8);
        _scratchWindow = place.Window;
        return place.Offset;
    }

    /// <summary>
    /// Looks a window up. Nothing is brought into the TLB here: where the window is not in it, or crosses a page, or may not be written, the trace is left before this
    /// instruction, and the translation that begins with it looks every access up by itself.
    /// </summary>
    private void OpenWindow(WindowPlace place, bool isStack)
    {
        ref readonly Window window = ref _plan[place.Window];
        Clobber();
        if (isStack)
        {
            _a.Lea(S0, GuestRsp, (_trace.Instruction(_index).Code is Code.Pop_r64 or Code.Retnq ? 0 : -Width) - place.Offset);
        }
        else
        {
            EmitAddress(S0, wide: true, -place.Offset);
            AddSegmentBase();
        }
        EmitTagCheck(window.Size, window.Writes);
        byte* missing = _a.JumpIf(Assembler.Above);
        if (_index == 0) AddCold(missing, new NativeExit { Reason = ExitReason.Plain, Rip = _block->Rip, Op = _op, Link = missing });
        else AddSide(missing, _block->Rip + _op->RipOffset, step: _index);
        _a.RegStateAt(0x03, S0, S1, _table + TlbEntry.HostOffset);
        _a.RegState(0x89, S0, StateOffset.Windows + place.Window * 8);
    }

    /// <summary>The look-up of the linear address in Scratch0; it becomes the host's address.</summary>
    private void EmitLookUp(int size, bool write, bool aligned, AccessedAddress address, byte* retry)
    {
        EmitTagCheck(size, write);
        AddMiss(_a.JumpIf(Assembler.Above), size, write, address, retry, aligned);
        if (aligned)
        {
            // test r10b, size - 1: what is not aligned faults, as its handler does it.
            _a.Byte(0x41);
            _a.Byte(0xF6);
            _a.ModRegister(0, RegisterMap.Scratch0);
            _a.Byte(size - 1);
            AddInterpreted(_a.JumpIf(Assembler.NotEqual));
        }
        _a.RegStateAt(0x03, RegisterMap.Scratch0, RegisterMap.Scratch1, _table + TlbEntry.HostOffset);
    }

    /// <summary>Compares the address in Scratch0 with its TLB entry's tag: "above" when it misses. Scratch0 becomes the offset in the page, Scratch1 the entry's distance.</summary>
    private void EmitTagCheck(int size, bool write)
    {
        _scratchWindow = -1;
        // The index times the entry's size: bits 12 and up of the address come to lie at bit 5.
        _a.Rorx(RegisterMap.Scratch1, RegisterMap.Scratch0, 12 - 5, wide: false);
        _a.Group1(4, RegisterMap.Scratch1, (TlbEntry.Count - 1) * TlbEntry.Bytes, wide: false);
        _a.RegStateAt(0x33, RegisterMap.Scratch0, RegisterMap.Scratch1, _table + (write ? TlbEntry.WriteOffset : TlbEntry.ReadOffset));
        _a.Group1(7, RegisterMap.Scratch0, 4096 - size);
    }

    private int? EmitConstantOperand(ulong linear, int size, bool write, bool aligned)
    {
        int offset = (int)(linear & 0xFFF);
        if (offset + size > 4096 || (aligned && (offset & (size - 1)) != 0)) return null;
        Clobber();
        _scratchWindow = -1;
        byte* retry = _a.Position;
        int entry = EntryOffset(linear);
        _a.Constant(RegisterMap.Scratch0, linear & PageMask);
        _a.RegState(0x3B, RegisterMap.Scratch0, entry + (write ? TlbEntry.WriteOffset : TlbEntry.ReadOffset));
        AddMiss(_a.JumpIf(Assembler.NotEqual), size, write, AccessedAddress.Operand, retry, aligned: false);
        _a.RegState(0x8B, RegisterMap.Scratch0, entry + TlbEntry.HostOffset);
        return offset;
    }

    private void AddMiss(byte* jump, int size, bool write, AccessedAddress address, byte* retry, bool aligned) =>
        AddCold(jump, new NativeExit
        {
            Reason = ExitReason.Memory,
            Rip = NextRip,
            Op = _op,
            Retry = retry,
            Address = address,
            Step = (short)_index,
            Size = (byte)size,
            IsWrite = write,
            IsAligned = aligned,
        });

    /// <summary>A way out, with flags saved, to the handler of the whole instruction.</summary>
    private void AddInterpreted(byte* jump) => AddCold(jump, new NativeExit { Reason = ExitReason.Interpret, Rip = NextRip, Op = _op, Step = (short)_index });

    private ulong NextRip => _block->Rip + _op->RipOffset + _op->Length;
}
