using Hospes.Hypervisor.Soft.Decode;

namespace Hospes.Hypervisor.Soft.Interpret.Integer;

/// <summary>The general-purpose instructions (Intel SDM vol. 1, 5.1, 5.15, 5.16). Each group registers itself in its own file.</summary>
internal static unsafe partial class IntegerTable
{
    /// <summary>Registers the whole family.</summary>
    public static void Fill(HandlerTable t)
    {
        FillArithmetic(t);
        FillMoves(t);
        FillExchanges(t);
        FillStack(t);
        FillFlags(t);
        FillShifts(t);
        FillMultiplication(t);
        FillBranches(t);
        FillStrings(t);
        FillBits(t);
        FillBitManipulation(t);
        FillDecimal(t);
        FillHints(t);
    }
}
