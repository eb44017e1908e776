using Hospes.Hypervisor.Soft.Emit;
using Iced.Intel;

namespace Hospes.Hypervisor.Soft.Translate;

/// <summary>Which instructions can give their flags again from the registers they used, once they have been executed.</summary>
internal static class FlagRecipe
{
    /// <summary>Whether an instruction can: it works on registers and constants only, no high byte among them, and one register at most is kept in the state.</summary>
    public static bool Exists(in Instruction instruction)
    {
        if (instruction.Mnemonic is not (Mnemonic.Cmp or Mnemonic.Test or Mnemonic.And or Mnemonic.Or or Mnemonic.Xor or Mnemonic.Add or Mnemonic.Sub)) return false;
        if (instruction.Op0Kind == OpKind.Memory || instruction.Op1Kind == OpKind.Memory) return IsWithMemory(instruction);
        if (instruction.Op0Kind != OpKind.Register || !IsWhole(instruction.Op0Register)) return false;
        bool isLogic = instruction.Mnemonic is Mnemonic.And or Mnemonic.Or or Mnemonic.Xor && !IsZero(instruction);
        if (isLogic || instruction.Op1Kind.IsImmediate()) return true;
        if (instruction.Op1Kind != OpKind.Register || !IsWhole(instruction.Op1Register)) return false;
        bool isSame = instruction.Op0Register == instruction.Op1Register;
        if (IsZero(instruction)) return true;
        // What is added to itself cannot be taken off again.
        if (isSame) return instruction.Mnemonic == Mnemonic.Test || (instruction.Mnemonic == Mnemonic.Cmp && IsInHost(instruction.Op0Register));
        if (SharesRegister(instruction)) return instruction.Mnemonic is Mnemonic.Test or Mnemonic.Cmp && IsInHost(instruction.Op0Register);
        return IsInHost(instruction.Op0Register) || IsInHost(instruction.Op1Register);
    }

    /// <summary>A comparison of memory with a constant or a register of the host: what was in memory is kept aside for it.</summary>
    public static bool IsWithMemory(in Instruction instruction)
    {
        if (instruction.Mnemonic is not (Mnemonic.Cmp or Mnemonic.Test)) return false;
        if (instruction.Op0Kind == OpKind.Memory && instruction.Op1Kind.IsImmediate()) return true;
        Register register = instruction.Op0Kind == OpKind.Memory ? instruction.Op1Register : instruction.Op0Register;
        return IsWhole(register) && IsInHost(register);
    }

    /// <summary>An exclusive or or a difference of a register with itself: its flags are always the same.</summary>
    public static bool IsZero(in Instruction instruction) => instruction.Mnemonic is Mnemonic.Xor or Mnemonic.Sub
        && instruction.Op0Kind == OpKind.Register && instruction.Op1Kind == OpKind.Register && instruction.Op0Register == instruction.Op1Register;

    /// <summary>A constant added to RSP or taken off: from what RSP is later they are known as well, with a scratch register.</summary>
    public static bool IsStackMove(in Instruction instruction) => instruction.Code is Code.Add_rm64_imm8 or Code.Add_rm64_imm32 or Code.Sub_rm64_imm8 or Code.Sub_rm64_imm32
        && instruction.Op0Kind == OpKind.Register && instruction.Op0Register == Register.RSP;

    /// <summary>What an instruction adds to RSP; null when that is not known.</summary>
    public static int? StackChange(in Instruction instruction) => instruction.Code switch
    {
        Code.Push_r64 or Code.Pushq_imm8 or Code.Pushq_imm32 or Code.Call_rel32_64 => -8,
        Code.Pop_r64 when instruction.Op0Register != Register.RSP => 8,
        Code.Retnq => 8,
        _ => null,
    };

    /// <summary>CMP or TEST.</summary>
    public static bool IsComparison(in Instruction instruction) => instruction.Mnemonic is Mnemonic.Cmp or Mnemonic.Test;

    /// <summary>A shift of a whole register of the host by a constant that is not 0: once more it has the same flags, with a scratch register.</summary>
    public static bool IsShift(in Instruction instruction) => instruction.Mnemonic is Mnemonic.Shl or Mnemonic.Shr or Mnemonic.Sar && instruction.Op0Kind == OpKind.Register
        && instruction.Op1Kind == OpKind.Immediate8 && (instruction.Op0Register.IsGPR32() || instruction.Op0Register.IsGPR64()) && IsInHost(instruction.Op0Register)
        && (instruction.Immediate8 & (instruction.Op0Register.IsGPR64() ? 63 : 31)) != 0;

    /// <summary>The registers that must stay as the instruction left them, a bit each.</summary>
    /// <param name="instruction">The instruction.</param>
    /// <param name="first">Whether the first operand counts.</param>
    /// <param name="second">Whether the second one does.</param>
    public static ushort Registers(in Instruction instruction, bool first, bool second)
    {
        if (IsZero(instruction)) return 0;
        int mask = 0;
        bool isLogic = instruction.Mnemonic is Mnemonic.And or Mnemonic.Or or Mnemonic.Xor;
        if (first && instruction.Op0Kind == OpKind.Register) mask |= 1 << instruction.Op0Register.GetFullRegister().GetNumber();
        if (second && !isLogic && instruction.Op1Kind == OpKind.Register) mask |= 1 << instruction.Op1Register.GetFullRegister().GetNumber();
        return (ushort)mask;
    }

    private static bool SharesRegister(in Instruction instruction) => instruction.Op0Register.GetFullRegister() == instruction.Op1Register.GetFullRegister();

    private static bool IsInHost(Register register) => RegisterMap.Home(register.GetFullRegister().GetNumber()) >= 0;

    private static bool IsWhole(Register register) => register.IsGPR() && register is not (Register.AH or Register.BH or Register.CH or Register.DH);

    private static bool IsImmediate(this OpKind kind) => kind is OpKind.Immediate8 or OpKind.Immediate16 or OpKind.Immediate32
        or OpKind.Immediate8to16 or OpKind.Immediate8to32 or OpKind.Immediate8to64 or OpKind.Immediate32to64;
}
