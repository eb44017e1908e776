using Iced.Intel;

namespace Hospes.Hypervisor.Soft.Translate;

/// <summary>Which general registers an instruction may write: what must be known to keep facts about them over it.</summary>
internal static class WrittenRegisters
{
    private const ushort Rax = 1, Rcx = 2, Rdx = 4, Rsp = 16, Rbp = 32, Rsi = 64, Rdi = 128, R11 = 2048, All = 0xFFFF;

    /// <summary>A bit for each register; all for what its handler does.</summary>
    public static ushort Of(in Instruction instruction, in TranslationTraits traits) => traits.Treatment switch
    {
        Treatment.Interpret => All,
        Treatment.Same => (ushort)(Operands(instruction, traits.OperandsWritten) | Implied(instruction)),
        Treatment.LoadEffectiveAddress or Treatment.MoveImmediate or Treatment.ByteSwap or Treatment.ReadSelector => Operands(instruction, 1),
        Treatment.Accumulator => Rax,
        Treatment.ExchangeAccumulator => (ushort)(Rax | Operands(instruction, 3)),
        Treatment.Push or Treatment.PushImmediate or Treatment.PushFlags or Treatment.Call or Treatment.CallIndirect or Treatment.Return => Rsp,
        Treatment.Pop => (ushort)(Rsp | Operands(instruction, 1)),
        Treatment.Leave => Rsp | Rbp,
        Treatment.Widen or Treatment.Multiply or Treatment.Divide or Treatment.CompareExchange16 => Rax | Rdx,
        Treatment.CompareExchange => (ushort)(Rax | Operands(instruction, 1)),
        Treatment.String => Rcx | Rsi | Rdi,
        Treatment.SystemCall => Rcx | R11,
        _ => 0,
    };

    private static ushort Operands(in Instruction instruction, int written)
    {
        int mask = 0;
        for (int i = 0; i < instruction.OpCount; i++)
        {
            if ((written >> i & 1) == 0 || instruction.GetOpKind(i) != OpKind.Register) continue;
            Register register = instruction.GetOpRegister(i);
            if (register.IsGPR()) mask |= 1 << register.GetFullRegister().GetNumber();
        }
        return (ushort)mask;
    }

    private static ushort Implied(in Instruction instruction) =>
        instruction.Mnemonic is Mnemonic.Pcmpistri or Mnemonic.Vpcmpistri ? Rcx : (ushort)0;
}
