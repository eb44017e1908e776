using Hospes.Hypervisor.Soft.Cpu;
using Iced.Intel;

namespace Hospes.Hypervisor.Soft.Decode;

/// <summary>Copies the operands of an Iced instruction into an <see cref="Op"/>.</summary>
internal sealed class OperandBinder
{
    private readonly InstructionInfoFactory _info = new();

    public void Bind(in Instruction instruction, Mode mode, ref Op op)
    {
        int count = instruction.OpCount;
        int immediates = 0;
        for (int i = 0; i < count; i++)
        {
            OpKind kind = instruction.GetOpKind(i);
            switch (kind)
            {
                case OpKind.Register:
                    SetRegister(ref op, i, Number(instruction.GetOpRegister(i)));
                    break;
                case OpKind.NearBranch16 or OpKind.NearBranch32 or OpKind.NearBranch64:
                    op.Imm = instruction.NearBranchTarget;
                    break;
                case OpKind.FarBranch16:
                    op.Imm = instruction.FarBranch16;
                    op.Disp = instruction.FarBranchSelector;
                    break;
                case OpKind.FarBranch32:
                    op.Imm = instruction.FarBranch32;
                    op.Disp = instruction.FarBranchSelector;
                    break;
                case OpKind.Memory:
                    SetMemory(in instruction, mode, ref op);
                    break;
                case OpKind.MemorySegSI or OpKind.MemorySegDI or OpKind.MemoryESDI:
                    SetString(in instruction, mode, ref op, 2);
                    break;
                case OpKind.MemorySegESI or OpKind.MemorySegEDI or OpKind.MemoryESEDI:
                    SetString(in instruction, mode, ref op, 4);
                    break;
                case OpKind.MemorySegRSI or OpKind.MemorySegRDI or OpKind.MemoryESRDI:
                    SetString(in instruction, mode, ref op, 8);
                    break;
                default:
                    if (immediates++ == 0) op.Imm = instruction.GetImmediate(i);
                    else op.Imm2 = (byte)instruction.GetImmediate(i);
                    break;
            }
        }
        if (instruction.HasLockPrefix) op.Prefixes |= OpPrefixes.Lock;
        if (instruction.HasRepPrefix && IsString(in instruction)) op.Prefixes |= OpPrefixes.Rep;
        if (instruction.HasRepnePrefix && IsString(in instruction)) op.Prefixes |= OpPrefixes.Repne;
        if (op.Address == AddressKind.Segmented && op.HasMemory) op.Writes = WritesMemory(in instruction);
    }

    private static bool IsString(in Instruction instruction) => instruction.IsStringInstruction;

    private static void SetRegister(ref Op op, int operand, byte number)
    {
        switch (operand)
        {
            case 0: op.Reg0 = number; break;
            case 1: op.Reg1 = number; break;
            case 2: op.Reg2 = number; break;
            default: op.Reg3 = number; break;
        }
    }

    private static void SetString(in Instruction instruction, Mode mode, ref Op op, byte addressSize)
    {
        op.HasMemory = true;
        op.AddressSize = addressSize;
        Register segment = (mode & Mode.Code64) != 0 ? EffectiveSegment64(in instruction) : instruction.MemorySegment;
        op.Segment = (byte)(segment == Register.None ? 3 : Number(segment));
        op.AccessSize = (byte)Math.Min(255, instruction.MemorySize.GetSize());
        op.Address = AddressKind.Segmented;
    }

    private static void SetMemory(in Instruction instruction, Mode mode, ref Op op)
    {
        op.HasMemory = true;
        Register baseRegister = instruction.MemoryBase, index = instruction.MemoryIndex;
        op.Segment = Number((mode & Mode.Code64) != 0 ? EffectiveSegment64(in instruction) : instruction.MemorySegment);
        op.AccessSize = (byte)Math.Min(255, instruction.MemorySize.GetSize());
        op.Disp = instruction.MemoryDisplacement64;
        if (baseRegister is Register.RIP or Register.EIP)
        {
            // Iced gives the absolute address for these.
            op.AddressSize = (byte)(baseRegister == Register.RIP ? 8 : 4);
        }
        else
        {
            if (baseRegister != Register.None) op.Base = Number(baseRegister);
            if (index != Register.None)
            {
                // A gather's index is a vector register: its handler takes the number and adds the elements itself.
                if (index.IsVectorRegister()) op.Reg3 = Number(index);
                else op.Index = Number(index);
            }
            op.Scale = (byte)System.Numerics.BitOperations.Log2((uint)instruction.MemoryIndexScale);
            op.AddressSize = (byte)(baseRegister != Register.None ? baseRegister.GetSize()
                : index != Register.None && !index.IsVectorRegister() ? index.GetSize()
                : instruction.MemoryDisplSize is 2 or 4 or 8 && (mode & Mode.Code64) == 0 ? instruction.MemoryDisplSize
                : instruction.MemoryDisplSize == 4 ? 4 : 8);
        }
        if ((mode & Mode.Code64) != 0)
        {
            // 64-bit mode ignores the overrides of ES, CS, SS and DS: only the base says whether a bad address is #SS.
            if (op.Segment < 4) op.Segment = (byte)(baseRegister is Register.RSP or Register.ESP or Register.RBP or Register.EBP ? 2 : 3);
            op.Address = op.AddressSize == 8 && op.Segment < 4 ? AddressKind.Flat64 : AddressKind.Based64;
        }
        else
        {
            op.Address = (mode & Mode.Flat) != 0 && op.AddressSize == 4 && op.Segment is 0 or 2 or 3 ? AddressKind.Flat32 : AddressKind.Segmented;
        }
    }

    /// <summary>64-bit mode ignores the overrides of ES, CS, SS and DS, so that they do not even turn #SS into #GP (SDM vol. 1, 3.4.2.1).</summary>
    private static Register EffectiveSegment64(in Instruction instruction)
    {
        if (instruction.MemorySegment is Register.FS or Register.GS) return instruction.MemorySegment;
        return instruction.MemoryBase is Register.RSP or Register.RBP or Register.ESP or Register.EBP ? Register.SS : Register.DS;
    }

    private bool WritesMemory(in Instruction instruction)
    {
        foreach (UsedMemory used in _info.GetInfo(in instruction).GetUsedMemory())
        {
            if (used.Access is OpAccess.Write or OpAccess.ReadWrite or OpAccess.CondWrite or OpAccess.ReadCondWrite) return true;
        }
        return false;
    }

    /// <summary>A general register's byte offset in the state, any other register's number.</summary>
    private static byte Number(Register register)
    {
        if (register is >= Register.AL and <= Register.BL) return (byte)((register - Register.AL) * 8);
        if (register is >= Register.AH and <= Register.BH) return (byte)((register - Register.AH) * 8 + 1);
        if (register is >= Register.SPL and <= Register.R15L) return (byte)((register - Register.SPL + 4) * 8);
        return register.IsGPR() ? (byte)(register.GetNumber() * 8) : (byte)register.GetNumber();
    }
}
