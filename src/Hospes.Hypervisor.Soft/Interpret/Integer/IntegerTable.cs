using Hospes.Hypervisor.Soft.Decode;

namespace Hospes.Hypervisor.Soft.Interpret.Integer;

/// <summary>The general-purpose instructions' handlers.</summary>
internal static partial class IntegerTable
{
    /// <summary>Registers the family.</summary>
    public static void Fill(HandlerTable t)
    {
        FillArithmetic(t);
        FillShifts(t);
        FillMoves(t);
        FillControl(t);
        FillStack(t);
        FillBits(t);
    }
}
