using Hospes.Hypervisor.Soft.Cpu;
using Hospes.Hypervisor.Soft.Emit;
using Iced.Intel;
using Assembler = Hospes.Hypervisor.Soft.Emit.Assembler;

namespace Hospes.Hypervisor.Soft.Translate;

/// <summary>Instructions that need more than renaming.</summary>
internal sealed unsafe partial class Translator
{
    private const int GuestRax = HostRegister.Rbp, GuestRsp = HostRegister.R15, GuestRbp = HostRegister.R9;

    /// <summary>Emits one instruction. Answers whether the code goes on behind it.</summary>
    private bool EmitInstruction(in Instruction instruction)
    {
        if (_op->Faults) return EmitInterpreted();
        ref readonly TranslationTraits traits = ref _traits[instruction];
        if (traits.Treatment == Treatment.Interpret) return EmitInterpreted();
        InstructionForm form = InstructionForm.Parse(_trace.Code.Slice(_trace[_index].At, _op->Length));
        switch (traits.Treatment)
        {
            case Treatment.Same: return TryEmitSame(instruction, ref form, traits) || TryEmitBitString(instruction, ref form) || EmitInterpreted();
            case Treatment.Nothing: return _keepsScratch = true;
            case Treatment.Verbatim: return EmitVerbatim(traits);
            case Treatment.LoadEffectiveAddress: return EmitLea(form);
            case Treatment.MoveImmediate: return EmitMoveImmediate(instruction);
            case Treatment.Accumulator: return EmitAccumulator(ref form, traits);
            case Treatment.ExchangeAccumulator: return EmitExchangeAccumulator(form);
            case Treatment.Widen: return EmitWiden(instruction.Code);
            case Treatment.ByteSwap: return EmitByteSwap(form);
            case Treatment.Multiply: return EmitMultiply(instruction, ref form);
            case Treatment.Divide: return EmitDivide(instruction, ref form);
            case Treatment.CompareExchange: return EmitCompareExchange(instruction, ref form);
            case Treatment.ClearDirection: return EmitClearSystemFlag(Flags.Df);
            case Treatment.ClearInterrupt: return IsSupervisor ? EmitClearSystemFlag(Flags.If) : EmitInterpreted();
            case Treatment.SetInterrupt: return IsSupervisor ? EmitSetInterrupt() : EmitInterpreted();
            case Treatment.SwapBase: return IsSupervisor ? EmitSwapBase() : EmitInterpreted();
            case Treatment.SetAccessCheck: return IsSupervisor ? EmitSetAccessCheck(instruction) : EmitInterpreted();
            case Treatment.SystemCall: return EmitSystemCall();
            case Treatment.SystemReturn: return EmitSystemReturn();
            case Treatment.ReadSelector: return EmitReadSelector(form);
            case Treatment.CompareExchange16: return EmitCompareExchange16(instruction, ref form);
            case Treatment.String: return EmitString(instruction, form);
            case Treatment.Push: return EmitPush(instruction, form);
            case Treatment.PushImmediate: return EmitPushConstant(instruction.GetImmediate(0));
            case Treatment.PushFlags: return EmitPushFlags();
            case Treatment.Pop: return EmitPop(form);
            case Treatment.Leave: return EmitLeave();
            default: return EmitBranch(instruction, form, traits.Treatment);
        }
    }

    /// <summary>Leaves for the handler, and comes back behind the instruction unless it is the last.</summary>
    private bool EmitInterpreted()
    {
        Settle(_index);
        _op->IsInterpreted = true;
        AddInterpreted(_a.JumpForward());
        return !_isLast;
    }

    private bool EmitVerbatim(in TranslationTraits traits)
    {
        if (traits.NeedsFlags) Need();
        foreach (byte value in _trace.Code.Slice(_trace[_index].At, _op->Length)) _a.Byte(value);
        if (traits.WritesFlags) Made();
        return true;
    }

    private bool EmitLea(in InstructionForm form)
    {
        int home = RegisterMap.Home(form.Reg);
        int destination = home >= 0 ? home : S0;
        int window = _scratchWindow;
        EmitAddress(destination, form.IsWide && _op->AddressSize == 8);
        _keepsScratch = home >= 0 && IsInHost(_op->Base) && IsInHost(_op->Index);
        if (_keepsScratch) _scratchWindow = window;
        if (home < 0) _a.RegState(0x89, S0, form.Reg * 8);
        return true;
    }

    private static bool IsInHost(byte offset) => offset == CpuState.ZeroOffset || RegisterMap.Home(offset / 8) >= 0;

    private bool EmitMoveImmediate(in Instruction instruction)
    {
        ulong value = instruction.GetImmediate(1);
        if (instruction.Code == Code.Mov_r8_imm8)
        {
            int offset = _op->Reg0;
            // AH and its kin, and registers in the state, are bytes of memory there or need a detour that is not worth it.
            if ((offset & 7) != 0) return EmitInterpreted();
            int register = RegisterMap.Home(offset / 8);
            if (register < 0)
            {
                _a.Byte(Assembler.Gs);
                _a.Byte(0xC6);
                _a.ModMemory(0, -1, -1, 0, offset);
            }
            else
            {
                _a.Rex(false, 0, 0, register, always: true);
                _a.Byte(0xC6);
                _a.ModRegister(0, register);
            }
            _a.Byte((byte)value);
            return true;
        }
        if (instruction.Code == Code.Mov_r32_imm32) value = (uint)value;
        int home = RegisterMap.Home(_op->Reg0 / 8);
        _a.Constant(home >= 0 ? home : S0, value);
        _keepsScratch = home >= 0;
        if (home < 0) _a.RegState(0x89, S0, _op->Reg0);
        return true;
    }

    /// <summary>The short forms for AL, EAX, RAX become the general ones: 80 and 81 /n, F6 and F7 /0 for TEST.</summary>
    private bool EmitAccumulator(ref InstructionForm form, in TranslationTraits traits)
    {
        if (traits.NeedsFlags) Need();
        bool isTest = form.Opcode is 0xA8 or 0xA9, isByte = (form.Opcode & 1) == 0;
        int operation = isTest ? 0 : form.Opcode >> 3;
        if (form.HasOperandSize) _a.Byte(0x66);
        _a.Rex(form.IsWide, 0, 0, GuestRax, always: isByte);
        _a.Byte(isTest ? (isByte ? 0xF6 : 0xF7) : isByte ? 0x80 : 0x81);
        _a.ModRegister(operation, GuestRax);
        foreach (byte value in form.Immediate) _a.Byte(value);
        Made();
        return true;
    }

    private bool EmitExchangeAccumulator(in InstructionForm form)
    {
        int guest = form.Opcode & 7 | (form.Rex & 1) << 3;
        int home = RegisterMap.Home(guest);
        int other = home >= 0 ? home : S0;
        if (home < 0) _a.RegState(0x8B, S0, guest * 8);
        _a.RegReg(0x87, GuestRax, other, form.IsWide);
        if (home < 0) _a.RegState(0x89, S0, guest * 8);
        return true;
    }

    private bool EmitWiden(Code code)
    {
        _keepsScratch = true;
        switch (code)
        {
            case Code.Cbw:
                _a.Byte(0x66);
                _a.Rex(false, GuestRax, 0, GuestRax, always: true);
                _a.Byte(0x0F);
                _a.Byte(0xBE);
                _a.ModRegister(GuestRax, GuestRax);
                break;
            case Code.Cwde:
                _a.Byte(0x0F);
                _a.Byte(0xBF);
                _a.ModRegister(GuestRax, GuestRax);
                break;
            case Code.Cdqe:
                _a.RegReg(0x63, GuestRax, GuestRax);
                break;
            default:
                bool wide = code == Code.Cqo;
                _a.Constant(S1, wide ? 63u : 31u);
                _a.Sarx(HostRegister.Rdx, GuestRax, S1, wide);
                break;
        }
        return true;
    }

    private bool EmitByteSwap(in InstructionForm form)
    {
        int guest = form.Opcode & 7 | (form.Rex & 1) << 3;
        int register = Loaded(guest, S0);
        _a.Rex(form.IsWide, 0, 0, register);
        _a.Byte(0x0F);
        _a.Byte(0xC8 | register & 7);
        if (register == S0) _a.RegState(0x89, S0, guest * 8);
        return true;
    }

    /// <summary>RAX is needed as an operand: the flags stay in the host's. Those that a multiplication leaves undefined are what they are.</summary>
    private bool EmitMultiply(in Instruction instruction, ref InstructionForm form)
    {
        if (EmitFactor(instruction, form) is not { } factor) return EmitInterpreted();
        _a.Move(HostRegister.Rax, GuestRax);
        EmitForm(ref form, false, form.Reg, form.Vvvv, factor.Place, factor.Register, factor.Displacement, byteRegister: false);
        _a.Move(GuestRax, HostRegister.Rax);
        Made();
        return true;
    }

    /// <summary>Divisions that would fault, and signed ones that might, are left to the handler.</summary>
    private bool EmitDivide(in Instruction instruction, ref InstructionForm form)
    {
        if (EmitFactor(instruction, form) is not { } factor) return EmitInterpreted();
        Clobber();
        bool wide = form.IsWide;
        // The divisor goes to Scratch0 whatever it was.
        if (factor.Place == RmPlace.Memory) _a.RegMemory(0x8B, S0, S0, factor.Displacement, wide);
        else if (factor.Place == RmPlace.State) _a.RegState(0x8B, S0, factor.Register, wide);
        else _a.Move(S0, factor.Register, wide);
        if (instruction.Mnemonic == Mnemonic.Div)
        {
            // The quotient fits when the high half is below the divisor.
            _a.RegReg(0x3B, HostRegister.Rdx, S0, wide);
            AddInterpreted(_a.JumpIf(Assembler.NotCarry));
        }
        else
        {
            // The high half is the sign of the low one, and the divisor is neither 0 nor -1.
            _a.Constant(S1, wide ? 63u : 31u);
            _a.Sarx(S1, GuestRax, S1, wide);
            _a.RegReg(0x3B, S1, HostRegister.Rdx, wide);
            AddInterpreted(_a.JumpIf(Assembler.NotEqual));
            _a.RegMemory(0x8D, S1, S0, 1, wide);
            _a.Group1(7, S1, 1, wide);
            AddInterpreted(_a.JumpIf(NotAbove));
        }
        _a.RegState(0x89, HostRegister.Rax, StateOffset.NativeFlags);
        _a.Move(HostRegister.Rax, GuestRax);
        EmitForm(ref form, false, form.Reg, form.Vvvv, RmPlace.Register, S0, 0, byteRegister: false);
        _a.Move(GuestRax, HostRegister.Rax);
        _a.RegState(0x8B, HostRegister.Rax, StateOffset.NativeFlags);
        // A division leaves all of them undefined.
        Made();
        return true;
    }

    private const int NotAbove = 6;

    /// <summary>The operand of a multiplication or division: in a register, in the state, or behind the TLB.</summary>
    private (RmPlace Place, int Register, int Displacement)? EmitFactor(in Instruction instruction, in InstructionForm form)
    {
        if (form.Mod == 3)
        {
            int home = RegisterMap.Home(form.Rm);
            return home >= 0 ? (RmPlace.Register, home, 0) : (RmPlace.State, form.Rm * 8, 0);
        }
        return EmitOperand(instruction, write: false, aligned: false) is { } displacement ? (RmPlace.Memory, S0, displacement) : null;
    }

    private bool EmitCompareExchange(in Instruction instruction, ref InstructionForm form)
    {
        int displacement = 0;
        bool isMemory = form.Mod != 3;
        if (isMemory)
        {
            if (EmitOperand(instruction, write: true, aligned: false) is not { } found) return EmitInterpreted();
            displacement = found;
        }
        int source = Loaded(form.Reg, S1);
        int target = isMemory ? S0 : Loaded(form.Rm, S0);
        _a.Move(HostRegister.Rax, GuestRax);
        // CMPXCHG against RAX itself compares with what is in its home.
        EmitForm(ref form, instruction.HasLockPrefix, source, form.Vvvv, isMemory ? RmPlace.Memory : RmPlace.Register, target, displacement, byteRegister: false);
        if (!isMemory && target == S0) _a.RegState(0x89, S0, form.Rm * 8);
        // With RAX as the destination the comparison is of RAX with itself: the source has been stored there.
        if (isMemory || form.Rm != 0) _a.Move(GuestRax, HostRegister.Rax);
        Made();
        return true;
    }
}
