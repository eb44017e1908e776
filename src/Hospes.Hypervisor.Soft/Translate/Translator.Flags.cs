using Hospes.Hypervisor.Soft.Cpu;
using Hospes.Hypervisor.Soft.Emit;
using Iced.Intel;
using Assembler = Hospes.Hypervisor.Soft.Emit.Assembler;

namespace Hospes.Hypervisor.Soft.Translate;

/// <summary>
/// The guest's arithmetic flags are the host's for as long as they can be. What destroys those comes behind one of two things: where the instruction that made the flags
/// can be done again whenever someone asks (its registers stay as they are until other flags are made), nothing is emitted at all, and ways out do it again. Else they go to
/// RAX (LAHF, SETO), from where they come back when an instruction needs them. So they are exact at every way out.
/// </summary>
internal sealed unsafe partial class Translator
{
    private FlagState _flags;

    /// <summary>The step that made the flags, when it can be done again; else negative.</summary>
    private int _producer;

    /// <summary>RAX has the flags from here on.</summary>
    private void Save()
    {
        if (_flags == FlagState.Pending) EmitAgain(_producer);
        if (_flags is not (FlagState.Host or FlagState.Pending)) return;
        EmitSave();
        _flags = FlagState.Both;
    }

    /// <summary>RAX has the flags from here on, and the host's own may be destroyed.</summary>
    private void Settle()
    {
        Save();
        _flags = FlagState.Saved;
    }

    /// <summary>The host's flags are about to be destroyed.</summary>
    private void Clobber()
    {
        if (_flags == FlagState.Pending) return;
        if (_flags == FlagState.Host && _producer >= 0 && StaysUntilOverwritten(_producer)) _flags = FlagState.Pending;
        else Settle();
    }

    /// <summary>The host's flags are needed.</summary>
    private void Need()
    {
        if (_flags == FlagState.Pending)
        {
            EmitAgain(_producer);
            _flags = FlagState.Host;
        }
        if (_flags != FlagState.Saved) return;
        EmitRestore();
        _flags = FlagState.Both;
    }

    /// <summary>The instruction just emitted has set the host's flags.</summary>
    private void Made()
    {
        _flags = FlagState.Host;
        _producer = FlagRecipe.Exists(_trace.Instruction(_index)) ? _index : -1;
    }

    /// <summary>Whether the registers that flags came of are left alone until other flags are made, with no exit between that is sure to be taken.</summary>
    private bool StaysUntilOverwritten(int producer)
    {
        ushort used = FlagRecipe.Registers(_trace.Instruction(producer));
        for (int i = producer + 1; i < _trace.Count; i++)
        {
            ref readonly TranslationTraits traits = ref _traits[_trace.Instruction(i)];
            if (traits.Treatment == Treatment.Interpret || _trace[i].Op->Faults) return false;
            if (traits.WritesFlags) return true;
            if ((_trace[i].Written & used) != 0) return false;
        }
        return false;
    }

    private void EmitSave()
    {
        _a.Byte(0x9F); // lahf
        _a.Byte(0x0F); // seto al
        _a.Byte(0x90);
        _a.Byte(0xC0);
    }

    private void EmitRestore()
    {
        _a.Byte(0x3C); // cmp al, -127: overflows when AL is 1
        _a.Byte(0x81);
        _a.Byte(0x9E); // sahf
    }

    /// <summary>Gives the host's flags what an instruction made them, without a scratch register: comparisons once more, sums and differences back and forth.</summary>
    private void EmitAgain(int producer)
    {
        ref readonly Instruction instruction = ref _trace.Instruction(producer);
        switch (instruction.Mnemonic)
        {
            case Mnemonic.Cmp:
                EmitAlu(7, instruction);
                break;
            case Mnemonic.Test:
                EmitTest(instruction);
                break;
            case Mnemonic.And or Mnemonic.Or or Mnemonic.Xor:
                EmitCompareWithZero(instruction.Op0Register);
                break;
            case Mnemonic.Add:
                EmitAlu(5, instruction);
                EmitAlu(0, instruction);
                break;
            case Mnemonic.Sub:
                EmitAlu(0, instruction);
                EmitAlu(5, instruction);
                break;
            default:
                throw new InvalidOperationException($"{instruction.Mnemonic} has no recipe");
        }
    }

    /// <summary>An operation of group 1 on the instruction's operands: a register, and a register or a constant.</summary>
    private void EmitAlu(int operation, in Instruction instruction)
    {
        Register target = instruction.Op0Register;
        if (instruction.Op1Kind == OpKind.Register)
        {
            int from = RegisterMap.Home(instruction.Op1Register.GetFullRegister().GetNumber());
            // One of the two is in a host register; the other may be in the state.
            if (from >= 0) EmitAluForm(operation << 3, target, from, target);
            else EmitAluForm(operation << 3 | 2, target, RegisterMap.Home(target.GetFullRegister().GetNumber()), instruction.Op1Register);
            return;
        }
        EmitConstantForm(0x80, operation, target, instruction.GetImmediate(1));
    }

    private void EmitTest(in Instruction instruction)
    {
        Register target = instruction.Op0Register;
        if (instruction.Op1Kind != OpKind.Register)
        {
            EmitConstantForm(0xF6, 0, target, instruction.GetImmediate(1));
            return;
        }
        int from = RegisterMap.Home(instruction.Op1Register.GetFullRegister().GetNumber());
        if (from >= 0) EmitAluForm(0x84, target, from, target);
        else if (target == instruction.Op1Register) EmitCompareWithZero(target);
        else EmitAluForm(0x84, target, RegisterMap.Home(target.GetFullRegister().GetNumber()), instruction.Op1Register);
    }

    /// <summary>CF and OF are clear behind it, as behind AND, OR, XOR, and AF, which those leave undefined, too.</summary>
    private void EmitCompareWithZero(Register register) => EmitConstantForm(0x80, 7, register, 0);

    /// <summary>An opcode (given for bytes) with a host register and a guest register in the place of rm.</summary>
    private void EmitAluForm(int opcode, Register size, int reg, Register rm)
    {
        EmitPrefixes(size, rm, reg, out bool isByte);
        _a.Byte(isByte ? opcode : opcode | 1);
        EmitPlace(reg, rm);
    }

    private void EmitConstantForm(int opcode, int extension, Register register, ulong value)
    {
        EmitPrefixes(register, register, 0, out bool isByte);
        bool isTest = opcode == 0xF6, isShort = !isTest && !isByte && (long)value is >= sbyte.MinValue and <= sbyte.MaxValue;
        _a.Byte(isByte ? opcode : isShort ? 0x83 : opcode | 1);
        EmitPlace(extension, register);
        if (isByte || isShort)
        {
            _a.Byte((byte)value);
        }
        else if (register.IsGPR16())
        {
            _a.Byte((byte)value);
            _a.Byte((byte)(value >> 8));
        }
        else
        {
            _a.Int32((int)value);
        }
    }

    private void EmitPrefixes(Register size, Register rm, int reg, out bool isByte)
    {
        int home = RegisterMap.Home(rm.GetFullRegister().GetNumber());
        isByte = size.IsGPR8();
        if (home < 0) _a.Byte(Assembler.Gs);
        if (size.IsGPR16()) _a.Byte(0x66);
        _a.Rex(size.IsGPR64(), reg, 0, Math.Max(home, 0), always: isByte);
    }

    private void EmitPlace(int reg, Register rm)
    {
        int guest = rm.GetFullRegister().GetNumber(), home = RegisterMap.Home(guest);
        if (home < 0) _a.ModMemory(reg, -1, -1, 0, guest * 8);
        else _a.ModRegister(reg, home);
    }
}
