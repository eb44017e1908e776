using Hospes.Hypervisor.Soft.Cpu;
using Hospes.Hypervisor.Soft.Emit;
using Hospes.Hypervisor.Soft.Memory;
using Iced.Intel;
using Assembler = Hospes.Hypervisor.Soft.Emit.Assembler;

namespace Hospes.Hypervisor.Soft.Translate;

/// <summary>
/// STOS and MOVS, alone and repeated, where they go upward and stay inside a page: the host does them on its own addresses. Everything else about them
/// is their handlers'.
/// </summary>
internal sealed unsafe partial class Translator
{
    private const int PageBytes = 4096;

    private bool EmitString(in Instruction instruction, in InstructionForm form)
    {
        bool moves = instruction.Mnemonic is Mnemonic.Movsb or Mnemonic.Movsw or Mnemonic.Movsd or Mnemonic.Movsq;
        int size = 1 << Log2Size(form);
        // REPNE repeats these as REP does, but nobody writes it.
        if (_op->AddressSize != 8 || form.Repeat == 0xF2 || (moves && _op->Segment >= 4)) return EmitInterpreted();
        bool repeats = form.Repeat == 0xF3;
        Clobber();
        // test byte [SystemFlags + 1], DF
        _a.Byte(Assembler.Gs);
        _a.Byte(0xF6);
        _a.ModMemory(0, -1, -1, 0, StateOffset.SystemFlags + 1);
        _a.Byte((int)(Flags.Df >> 8));
        AddInterpreted(_a.JumpIf(Assembler.NotEqual));
        if (repeats)
        {
            _a.Group1(7, HostRegister.Rcx, PageBytes / size);
            AddInterpreted(_a.JumpIf(Assembler.Above));
        }
        EmitStringLookUp(HostRegister.Rdi, write: true, size, repeats);
        if (moves)
        {
            _a.RegState(0x89, S0, StateOffset.Scratch);
            EmitStringLookUp(HostRegister.Rsi, write: false, size, repeats);
        }
        if (repeats) EmitRepeated(moves, form, size);
        else EmitOnce(moves, form, size);
        return true;
    }

    private static int Log2Size(in InstructionForm form) => (form.Opcode & 1) == 0 ? 0 : form.IsWide ? 3 : form.HasOperandSize ? 1 : 2;

    /// <summary>Scratch0 becomes the host's address of the elements at a pointer; leaves for the handler when they are not all in one page of the TLB.</summary>
    private void EmitStringLookUp(int pointer, bool write, int size, bool repeats)
    {
        _a.Move(S0, pointer);
        _a.Rorx(S1, S0, 12 - 5, wide: false);
        _a.Group1(4, S1, (TlbEntry.Count - 1) * TlbEntry.Bytes, wide: false);
        _a.RegStateAt(0x33, S0, S1, _table + (write ? TlbEntry.WriteOffset : TlbEntry.ReadOffset));
        int log = System.Numerics.BitOperations.Log2((uint)size);
        if (repeats)
        {
            // The end of the elements, as an offset in the page. It cannot wrap: bits 13 to 25 of a tag that differs are those of the address.
            _a.LeaIndexed(S0, S0, HostRegister.Rcx, log);
            _a.Group1(7, S0, PageBytes);
        }
        else
        {
            _a.Group1(7, S0, PageBytes - size);
        }
        AddInterpreted(_a.JumpIf(Assembler.Above));
        _a.RegStateAt(0x03, S0, S1, _table + TlbEntry.HostOffset);
        if (!repeats) return;
        _a.LeaIndexed(S1, -1, HostRegister.Rcx, log);
        _a.RegReg(0x2B, S0, S1);
    }

    /// <summary>The host's own REP MOVS or REP STOS, with the guest's pointers kept aside.</summary>
    private void EmitRepeated(bool moves, in InstructionForm form, int size)
    {
        int log = System.Numerics.BitOperations.Log2((uint)size);
        _a.RegState(0x89, HostRegister.Rdi, StateOffset.Scratch + 8);
        if (moves)
        {
            _a.RegState(0x89, HostRegister.Rsi, StateOffset.Scratch + 16);
            _a.Move(HostRegister.Rsi, S0);
            _a.RegState(0x8B, HostRegister.Rdi, StateOffset.Scratch);
        }
        else
        {
            _a.RegState(0x89, HostRegister.Rax, StateOffset.NativeFlags);
            _a.Move(HostRegister.Rax, GuestRax);
            _a.Move(HostRegister.Rdi, S0);
        }
        _a.Move(S1, HostRegister.Rcx);
        EmitStringByte(form, repeats: true);
        _a.RegState(0x8B, HostRegister.Rdi, StateOffset.Scratch + 8);
        _a.LeaIndexed(HostRegister.Rdi, HostRegister.Rdi, S1, log);
        if (moves)
        {
            _a.RegState(0x8B, HostRegister.Rsi, StateOffset.Scratch + 16);
            _a.LeaIndexed(HostRegister.Rsi, HostRegister.Rsi, S1, log);
        }
        else
        {
            _a.RegState(0x8B, HostRegister.Rax, StateOffset.NativeFlags);
        }
    }

    private void EmitStringByte(in InstructionForm form, bool repeats)
    {
        if (form.HasOperandSize) _a.Byte(0x66);
        if (repeats) _a.Byte(0xF3);
        _a.Rex(form.IsWide, 0, 0, 0);
        _a.Byte(form.Opcode);
    }

    private void EmitOnce(bool moves, in InstructionForm form, int size)
    {
        int source = GuestRax;
        if (moves)
        {
            // mov r11, [r10] in the element's size, then the destination.
            EmitSized(0x8A, S1, form);
            _a.RegState(0x8B, S0, StateOffset.Scratch);
            source = S1;
        }
        EmitSized(0x88, source, form);
        _a.Lea(HostRegister.Rdi, HostRegister.Rdi, size);
        if (moves) _a.Lea(HostRegister.Rsi, HostRegister.Rsi, size);
    }

    /// <summary>mov between a register and [Scratch0] in the instruction's operand size: <paramref name="opcode"/> is the one for bytes.</summary>
    private void EmitSized(int opcode, int register, in InstructionForm form)
    {
        bool isByte = (form.Opcode & 1) == 0;
        if (form.HasOperandSize && !isByte && !form.IsWide) _a.Byte(0x66);
        _a.Rex(form.IsWide && !isByte, register, 0, S0, always: isByte);
        _a.Byte(isByte ? opcode : opcode | 1);
        _a.ModMemory(register, S0, -1, 0, 0);
    }
}
