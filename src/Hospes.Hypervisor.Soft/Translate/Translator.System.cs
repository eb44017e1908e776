using Hospes.Hypervisor.Soft.Cpu;
using Hospes.Hypervisor.Soft.Emit;
using Iced.Intel;
using Assembler = Hospes.Hypervisor.Soft.Emit.Assembler;

namespace Hospes.Hypervisor.Soft.Translate;

/// <summary>The system instructions that kernels execute most, and the ones that need a detour.</summary>
internal sealed unsafe partial class Translator
{
    private bool IsSupervisor => (_block->Mode & Mode.User) == 0;

    /// <summary>CLI at CPL 0, and CLD.</summary>
    private bool EmitClearSystemFlag(uint flag)
    {
        Clobber();
        EmitSystemFlags(4, ~flag);
        return true;
    }

    /// <summary>STI at CPL 0, when no interrupt has been waiting. A shadow that nobody needs delays the next interrupt by one instruction, which is allowed.</summary>
    private bool EmitSetInterrupt()
    {
        Clobber();
        _a.Byte(Assembler.Gs);
        _a.Byte(0x80);
        _a.ModMemory(7, -1, -1, 0, StateOffset.InterruptWaiting);
        _a.Byte(0);
        AddInterpreted(_a.JumpIf(Assembler.NotEqual));
        EmitSystemFlags(1, Flags.If);
        _a.Byte(Assembler.Gs);
        _a.Byte(0xC6);
        _a.ModMemory(0, -1, -1, 0, StateOffset.InterruptShadow);
        _a.Byte(Shadow.Sti);
        return true;
    }

    /// <summary>and (4) or or (1) with the system flags.</summary>
    private void EmitSystemFlags(int operation, uint value)
    {
        _a.Byte(Assembler.Gs);
        _a.Byte(0x81);
        _a.ModMemory(operation, -1, -1, 0, StateOffset.SystemFlags);
        _a.Int32((int)value);
    }

    /// <summary>SWAPGS at CPL 0.</summary>
    private bool EmitSwapBase()
    {
        _a.RegState(0x8B, S0, StateOffset.GsBase);
        _a.RegState(0x8B, S1, StateOffset.KernelGsBase);
        _a.RegState(0x89, S1, StateOffset.GsBase);
        _a.RegState(0x89, S0, StateOffset.KernelGsBase);
        return true;
    }

    /// <summary>MOV r32, Sreg: zero-extended.</summary>
    private bool EmitReadSelector(in InstructionForm form)
    {
        if (form.Mod != 3 || form.HasOperandSize || form.Reg > 5) return EmitInterpreted();
        int home = RegisterMap.Home(form.Rm), destination = home >= 0 ? home : S0;
        _a.Byte(Assembler.Gs);
        _a.Rex(false, destination, 0, 0);
        _a.Byte(0x0F);
        _a.Byte(0xB7);
        _a.ModMemory(destination, -1, -1, 0, StateOffset.Selector(form.Reg));
        if (home < 0) _a.RegState(0x89, S0, form.Rm * 8);
        return true;
    }

    /// <summary>BT and its kin with a bit number from a register: the number picks the word in memory first, and the bit in it then.</summary>
    private bool TryEmitBitString(in Instruction instruction, ref InstructionForm form)
    {
        if (instruction.Mnemonic is not (Mnemonic.Bt or Mnemonic.Bts or Mnemonic.Btr or Mnemonic.Btc) || form.Mod == 3 || form.HasOperandSize
            || _op->AddressSize != 8 || instruction.Op1Kind != OpKind.Register) return false;
        bool wide = form.IsWide;
        int size = wide ? 8 : 4;
        Clobber();
        byte* retry = _a.Position;
        EmitAddress(S0, wide: true);
        // The word's distance: the bit number, divided by the bits of a word and rounded down, in bytes.
        int number = Loaded(form.Reg, S1);
        if (wide) _a.Move(S1, number);
        else _a.RegReg(0x63, S1, number);
        _a.ShiftRight(S1, wide ? 6 : 5);
        _a.Rex(true, S0, S1, S0);
        _a.Byte(0x8D);
        _a.ModMemory(S0, S0, S1, wide ? 3 : 2, 0);
        AddSegmentBase();
        EmitLookUp(size, instruction.Mnemonic != Mnemonic.Bt, aligned: false, AccessedAddress.BitString, retry);
        _a.Move(S1, Loaded(form.Reg, S1), wide);
        _a.Group1(4, S1, size * 8 - 1, wide: false);
        Need();
        EmitForm(ref form, instruction.HasLockPrefix, S1, form.Vvvv, RmPlace.Memory, S0, 0, byteRegister: false);
        Made();
        return true;
    }

    /// <summary>CMPXCHG16B: only ZF changes. What is not aligned faults, as its handler does it.</summary>
    private bool EmitCompareExchange16(in Instruction instruction, ref InstructionForm form)
    {
        if (EmitOperand(instruction, write: true, aligned: true) is not { } displacement) return EmitInterpreted();
        Need();
        _a.Move(HostRegister.Rax, GuestRax);
        EmitForm(ref form, instruction.HasLockPrefix, form.Reg, form.Vvvv, RmPlace.Memory, S0, displacement, byteRegister: false);
        _a.Move(GuestRax, HostRegister.Rax);
        Made();
        return true;
    }
}
