using Hospes.Hypervisor.Soft.Emit;
using Iced.Intel;
using Assembler = Hospes.Hypervisor.Soft.Emit.Assembler;

namespace Hospes.Hypervisor.Soft.Translate;

/// <summary>Makes flags again that were not saved: for ways out, and for instructions that need them. <see cref="FlagRecipe"/> says which can be.</summary>
internal sealed unsafe partial class Translator
{
    /// <summary>
    /// Gives the host's flags what an instruction made them, without a scratch register: comparisons once more, sums and differences back and forth. Only what was
    /// done to RSP, and shifts, need Scratch1, where the step <paramref name="now"/> is about to be executed.
    /// </summary>
    private void EmitAgain(int producer, int now)
    {
        ref readonly Instruction instruction = ref _trace.Instruction(producer);
        if (FlagRecipe.IsZero(instruction))
        {
            // cmp esp, esp
            _a.Byte(0x39);
            _a.Byte(0xE4);
            return;
        }
        if (_kept[producer] != Kept.Nothing)
        {
            EmitKeptAgain(instruction, _kept[producer]);
            return;
        }
        if (FlagRecipe.IsStackMove(instruction))
        {
            int since = 0, constant = (int)(long)instruction.GetImmediate(1), operation = instruction.Mnemonic == Mnemonic.Add ? 0 : 5;
            for (int i = producer + 1; i < now; i++) since += FlagRecipe.StackChange(_trace.Instruction(i)) ?? 0;
            _a.Lea(S1, GuestRsp, -since - (operation == 0 ? constant : -constant));
            _a.Group1(operation, S1, constant);
            return;
        }
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

    /// <summary>With what was kept: comparisons once more, results against 0, sums and differences back and forth, shifts once more.</summary>
    private void EmitKeptAgain(in Instruction instruction, Kept kept)
    {
        bool isMemory = kept == Kept.Memory;
        bool isFirst = isMemory ? instruction.Op0Kind == OpKind.Memory : kept != Kept.Second;
        int size = isMemory ? instruction.MemorySize.GetSize() : instruction.Op0Register.GetSize();
        switch (instruction.Mnemonic)
        {
            case Mnemonic.Cmp:
                EmitWithKept(7, instruction, size, isFirst);
                break;
            case Mnemonic.Test:
                EmitWithKept(Test, instruction, size, isFirst);
                break;
            case Mnemonic.And or Mnemonic.Or or Mnemonic.Xor:
                EmitKeptConstant(7, size, 0);
                break;
            case Mnemonic.Add:
                EmitWithKept(5, instruction, size, isFirst);
                EmitWithKept(0, instruction, size, isFirst);
                break;
            case Mnemonic.Sub:
                EmitWithKept(0, instruction, size, isFirst);
                EmitWithKept(5, instruction, size, isFirst);
                break;
            default:
                _a.RegState(0x8B, S1, StateOffset.Compared);
                _a.Rex(size == 8, 0, 0, S1);
                _a.Byte(0xC1);
                _a.ModRegister(instruction.Mnemonic switch { Mnemonic.Shr => 5, Mnemonic.Sar => 7, _ => 4 }, S1);
                _a.Byte((byte)instruction.GetImmediate(1));
                break;
        }
    }

    /// <summary>Not one of group 1's operations, but emitted like them.</summary>
    private const int Test = 8;

    /// <summary>An operation of group 1, or TEST, between what was kept and the instruction's other operand.</summary>
    private void EmitWithKept(int operation, in Instruction instruction, int size, bool isFirst)
    {
        OpKind otherKind = isFirst ? instruction.Op1Kind : instruction.Op0Kind;
        if (otherKind != OpKind.Register)
        {
            EmitKeptConstant(operation, size, instruction.GetImmediate(1));
            return;
        }
        int register = RegisterMap.Home((isFirst ? instruction.Op1Register : instruction.Op0Register).GetFullRegister().GetNumber());
        EmitKeptPrefixes(register, size, always: size == 1);
        _a.Byte((operation == Test ? 0x84 : operation << 3 | (isFirst ? 0 : 2)) | (size == 1 ? 0 : 1));
        _a.ModMemory(register, -1, -1, 0, StateOffset.Compared);
    }

    private void EmitKeptConstant(int operation, int size, ulong value)
    {
        bool isTest = operation == Test, isShort = !isTest && size > 1 && (long)value is >= sbyte.MinValue and <= sbyte.MaxValue;
        EmitKeptPrefixes(0, size, always: false);
        _a.Byte(isTest ? 0xF6 | (size == 1 ? 0 : 1) : size == 1 ? 0x80 : isShort ? 0x83 : 0x81);
        _a.ModMemory(isTest ? 0 : operation, -1, -1, 0, StateOffset.Compared);
        if (size == 1 || isShort) _a.Byte((byte)value);
        else if (size == 2) EmitWord((int)value);
        else _a.Int32((int)value);
    }

    private void EmitKeptPrefixes(int register, int size, bool always)
    {
        _a.Byte(Assembler.Gs);
        if (size == 2) _a.Byte(0x66);
        _a.Rex(size == 8, register, 0, 0, always);
    }

    private void EmitWord(int value)
    {
        _a.Byte((byte)value);
        _a.Byte((byte)(value >> 8));
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
            EmitWord((int)value);
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
