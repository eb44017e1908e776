using System.Buffers.Binary;
using System.Text;
using Hospes.Oracle.Generate;
using Hospes.Oracle.Native;
using Iced.Intel;

namespace Hospes.Oracle.Compare;

/// <summary>All that one needs to see what went wrong in a case, and to run it again.</summary>
internal static class Report
{
    public static string Describe(ulong seed, string family, long number, ref CaseSlot slot, OracleCase description, string differences)
    {
        var text = new StringBuilder();
        text.Append($"mismatch: HOSPES_ORACLE_SEED={seed} family {family} case {number}\n");
        text.Append($"code at {SharedLayout.CodeBase + (ulong)slot.CodeStart:x}: {Convert.ToHexString(slot.Code)}\n");
        foreach (var instruction in description.Instructions)
        {
            text.Append($"  {instruction}  [{instruction.Code}]\n");
        }

        text.Append("before:\n");
        State(text, ref slot.Input);
        Operands(text, ref slot, description);
        text.Append($"native: signal {slot.Output.Signal}, trap {slot.Output[Greg.Trap]}, error {slot.Output[Greg.ErrorCode]:x}, cr2 {slot.Output[Greg.Cr2]:x}\n");
        text.Append("differences:\n").Append(differences);
        return text.ToString();
    }

    private static void State(StringBuilder text, ref CpuImage state)
    {
        ReadOnlySpan<Greg> order =
        [
            Greg.Rax, Greg.Rcx, Greg.Rdx, Greg.Rbx, Greg.Rsp, Greg.Rbp, Greg.Rsi, Greg.Rdi, Greg.R8, Greg.R9, Greg.R10, Greg.R11,
            Greg.R12, Greg.R13, Greg.R14, Greg.R15, Greg.Rip, Greg.Rflags,
        ];
        for (var i = 0; i < order.Length; i++)
        {
            text.Append($"  {order[i],-6} {state[order[i]]:x16}").Append(i % 4 == 3 ? '\n' : ' ');
        }

        var xsave = state.XsaveBytes;
        text.Append($" FsBase {state.FsBase:x} GsBase {state.GsBase:x} Mxcsr {BinaryPrimitives.ReadUInt32LittleEndian(xsave[CpuImage.Mxcsr..]):x}");
        text.Append($" Fcw {BinaryPrimitives.ReadUInt16LittleEndian(xsave):x} Fsw {BinaryPrimitives.ReadUInt16LittleEndian(xsave[CpuImage.Fsw..]):x} Ftw {xsave[CpuImage.Ftw]:x}\n");
    }

    private static void Operands(StringBuilder text, ref CaseSlot slot, OracleCase description)
    {
        var seen = new HashSet<Register>();
        var uses87 = false;
        foreach (var instruction in description.Instructions)
        {
            uses87 |= instruction.Mnemonic.ToString().StartsWith('F');
            for (var i = 0; i < instruction.OpCount; i++)
            {
                Vector(text, seen, instruction.GetOpKind(i) == OpKind.Register ? instruction.GetOpRegister(i) : Register.None, ref slot);
                uses87 |= instruction.GetOpKind(i) == OpKind.Register && instruction.GetOpRegister(i).IsMM();
                if (instruction.GetOpKind(i) == OpKind.Memory)
                {
                    Vector(text, seen, instruction.MemoryIndex, ref slot);
                    Memory(text, ref slot, instruction);
                }
            }
        }

        for (var i = 0; i < 8 && uses87; i++)
        {
            text.Append($"  St{i} {Comparison.Hex(slot.Input.XsaveBytes.Slice(CpuImage.St0 + (16 * i), 10))}\n");
        }
    }

    private static void Vector(StringBuilder text, HashSet<Register> seen, Register register, ref CaseSlot slot)
    {
        if ((register.IsXMM() || register.IsYMM()) && seen.Add(register))
        {
            var number = register.IsXMM() ? register - Register.XMM0 : register - Register.YMM0;
            text.Append($"  {register} {Comparison.Hex(slot.Input.XsaveBytes.Slice(CpuImage.Ymm0High + (16 * number), 16))}");
            text.Append($"__{Comparison.Hex(slot.Input.XsaveBytes.Slice(CpuImage.Xmm0 + (16 * number), 16))}\n");
        }
    }

    private static void Memory(StringBuilder text, ref CaseSlot slot, in Instruction instruction)
    {
        if (instruction.IsVsib)
        {
            return;
        }

        var address = EffectiveAddress.Of(instruction, ref slot.Input);
        text.Append($"  memory at {address:x}");
        var offset = address - SharedLayout.WindowBase;
        if (offset < SharedLayout.WindowSize)
        {
            var length = Math.Min(Math.Min(InstructionBuilder.SizeOf(instruction), 32), SharedLayout.WindowSize - (int)offset);
            text.Append($": {Comparison.Hex(slot.Input.WindowBytes.Slice((int)offset, length))}");
        }

        text.Append('\n');
    }
}
