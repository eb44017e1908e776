using Hospes.Hypervisor.Soft.Decode;
using Hospes.Hypervisor.Soft.Interpret.Integer;
using Hospes.Hypervisor.Soft.Interpret.Simd;
using Hospes.Hypervisor.Soft.Interpret.System;
using Hospes.Hypervisor.Soft.Interpret.X87;

namespace Hospes.Hypervisor.Soft.Interpret;

/// <summary>All handler families in one table. The table never changes once made.</summary>
internal static class InstructionSet
{
    /// <summary>A table with every family.</summary>
    public static HandlerTable Create()
    {
        var table = new HandlerTable();
        SystemTable.Fill(table);
        IntegerTable.Fill(table);
        X87Table.Fill(table);
        SimdTable.Fill(table);
        return table;
    }
}
