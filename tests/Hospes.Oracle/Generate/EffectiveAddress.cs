using Hospes.Oracle.Native;
using Iced.Intel;

namespace Hospes.Oracle.Generate;

/// <summary>Where an instruction's memory operand lies in a given state.</summary>
internal static class EffectiveAddress
{
    /// <summary>
    /// Whether an operand behind FS or GS has an offset that is not canonical by itself. AMD refuses that, Intel looks
    /// at the sum alone.
    /// </summary>
    public static bool HasWildOffset(in Instruction instruction, ref CpuImage state)
    {
        if (instruction.MemorySegment is not (Register.FS or Register.GS))
        {
            return false;
        }

        var segment = instruction.MemorySegment == Register.FS ? state.FsBase : state.GsBase;
        for (var i = 0; i < instruction.OpCount; i++)
        {
            var offset = instruction.GetOpKind(i) switch
            {
                OpKind.Memory when !instruction.IsVsib => Of(instruction, ref state) - segment,
                OpKind.MemorySegRSI => state[Greg.Rsi],
                OpKind.MemorySegRDI => state[Greg.Rdi],
                _ => 0UL,
            };
            var end = offset + (ulong)InstructionBuilder.SizeOf(instruction);
            if (!IsCanonical(offset) || !IsCanonical(end))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>The linear address of the explicit memory operand. A gather has several and no answer here.</summary>
    public static ulong Of(in Instruction instruction, ref CpuImage state)
    {
        var address = instruction.MemoryDisplacement64 + Value(ref state, instruction.MemoryBase)
            + (Value(ref state, instruction.MemoryIndex) * (ulong)instruction.MemoryIndexScale);
        if (instruction.MemoryBase.GetSize() == 4 || instruction.MemoryIndex.GetSize() == 4)
        {
            address = (uint)address;
        }

        return address + instruction.MemorySegment switch
        {
            Register.FS => state.FsBase,
            Register.GS => state.GsBase,
            _ => 0,
        };
    }

    private static bool IsCanonical(ulong address) => (ulong)((long)(address << 16) >> 16) == address;

    private static ulong Value(ref CpuImage state, Register register)
    {
        if (register == Register.AL)
        {
            return state[Greg.Rax] & 0xFF;
        }

        return register.IsGPR32() || register.IsGPR64() ? state[StateBuilder.GregOf(register)] : 0;
    }
}
