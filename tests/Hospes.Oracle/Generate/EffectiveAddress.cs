using Hospes.Oracle.Native;
using Iced.Intel;

namespace Hospes.Oracle.Generate;

/// <summary>Where an instruction's memory operand lies in a given state.</summary>
internal static class EffectiveAddress
{
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

    private static ulong Value(ref CpuImage state, Register register)
    {
        if (register == Register.AL)
        {
            return state[Greg.Rax] & 0xFF;
        }

        return register.IsGPR32() || register.IsGPR64() ? state[StateBuilder.GregOf(register)] : 0;
    }
}
