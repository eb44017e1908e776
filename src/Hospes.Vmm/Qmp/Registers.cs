using System.Buffers.Binary;
using System.Text;
using Hospes.Hypervisor;

namespace Hospes.Vmm.Qmp;

/// <summary>A processor's registers as QEMU's monitor for people shows them.</summary>
internal static class Registers
{
    private const ulong ProtectedMode = 1, LongModeActive = 1 << 10;
    private const uint Present = 1 << 15, Readable = 1 << 9, Conforming = 1 << 10, Code = 1 << 11, Segment = 1 << 12, Long = 1 << 21, Big = 1 << 22, Accessed = 1 << 8;
    private const uint Shown = 0x00FFFF00;

    private static readonly string[] s_general = ["AX", "CX", "DX", "BX", "SP", "BP", "SI", "DI"];

    /// <summary>The order in which they are shown: AX, BX, CX, DX, SI, DI, BP, SP.</summary>
    private static readonly int[] s_order = [0, 3, 1, 2, 6, 7, 5, 4];

    private static readonly string[] s_segments = ["ES", "CS", "SS", "DS", "FS", "GS"];

    private static readonly (int Bit, char Letter)[] s_flags = [(10, 'D'), (11, 'O'), (7, 'S'), (6, 'Z'), (4, 'A'), (2, 'P'), (0, 'C')];

    /// <summary>Types of system segments in long mode and before it (Intel SDM vol. 3, table 3-2).</summary>
    private static readonly string[] s_long =
        ["Reserved", "Reserved", "LDT", "Reserved", "Reserved", "Reserved", "Reserved", "Reserved", "Reserved", "TSS64-avl", "Reserved", "TSS64-busy", "CallGate64", "Reserved", "IntGate64", "TrapGate64"];

    private static readonly string[] s_legacy =
        ["Reserved", "TSS16-avl", "LDT", "TSS16-busy", "CallGate16", "TaskGate", "IntGate16", "TrapGate16", "Reserved", "TSS32-avl", "Reserved", "TSS32-busy", "CallGate32", "Reserved", "IntGate32", "TrapGate32"];

    /// <summary>Describes a processor that is held.</summary>
    public static string Describe(Vcpu vcpu)
    {
        var state = new VcpuState();
        if (vcpu.ReadState(state) != Status.Ok) return "";
        var text = new StringBuilder();
        bool isLong = (state.Efer & LongModeActive) != 0;
        text.Append($"\r\nCPU#{vcpu.Id}\r\n");
        General(state, isLong, text);
        for (int i = 0; i < s_segments.Length; i++) Put(text, s_segments[i], state.Segments[i], state, isLong);
        Put(text, "LDT", state.Ldtr, state, isLong);
        Put(text, "TR", state.Tr, state, isLong);
        text.Append($"GDT=     {Number(state.GdtBase, isLong)} {state.GdtLimit:x8}\r\nIDT=     {Number(state.IdtBase, isLong)} {state.IdtLimit:x8}\r\n");
        text.Append($"CR0={state.Cr0:x8} CR2={Number(state.Cr2, isLong)} CR3={Number(state.Cr3, isLong)} CR4={state.Cr4:x8}\r\n");
        for (int i = 0; i < 4; i++) text.Append($"DR{i}={state.Debug[i]:x16} ");
        text.Append($"\r\nDR6={state.Debug[4]:x16} DR7={state.Debug[5]:x16}\r\nEFER={state.Efer:x16}\r\n");
        Vectors(state.ExtendedArea, text);
        return text.ToString();
    }

    private static void General(VcpuState state, bool isLong, StringBuilder text)
    {
        int wide = isLong ? 16 : 8;
        for (int i = 0; i < wide; i++)
        {
            int register = i < 8 ? s_order[i] : i;
            string name = i >= 8 ? $"R{i}".PadRight(3) : (isLong ? "R" : "E") + s_general[register];
            text.Append($"{name}={Number(state.General[register], isLong)}{(i % 4 == 3 ? "\r\n" : " ")}");
        }
        string flags = string.Concat(s_flags.Select(flag => (state.Rflags >> flag.Bit & 1) != 0 ? flag.Letter : '-'));
        bool inProtectedMode = (state.Cr0 & ProtectedMode) != 0;
        uint level = inProtectedMode ? state.Segments[2].Attributes >> 5 & 3 : 0;
        text.Append($"{(isLong ? "RIP" : "EIP")}={Number(state.Rip, isLong)} {(isLong ? "RFL" : "EFL")}={(uint)state.Rflags:x8} [{flags}] ");
        text.Append($"CPL={level} II={(state.InterruptShadow ? 1 : 0)} A20=1 SMM=0 HLT={(state.Activity == VcpuActivity.Halted ? 1 : 0)}\r\n");
    }

    private static void Put(StringBuilder text, string name, SegmentState segment, VcpuState state, bool isLong)
    {
        uint flags = segment.Attributes << 8 & Shown;
        text.Append($"{name,-3}={segment.Selector:x4} {Number(segment.Base, isLong)} {segment.Limit:x8} {flags:x8}");
        if ((state.Cr0 & ProtectedMode) != 0 && (flags & Present) != 0)
        {
            text.Append($" DPL={flags >> 13 & 3} ");
            if ((flags & Segment) == 0) text.Append((isLong ? s_long : s_legacy)[flags >> 8 & 15]);
            else if ((flags & Code) != 0) text.Append($"{((flags & Long) != 0 ? "CS64" : (flags & Big) != 0 ? "CS32" : "CS16")} [{Letter(flags, Conforming, 'C')}{Letter(flags, Readable, 'R')}{Letter(flags, Accessed, 'A')}]");
            else text.Append($"{(isLong || (flags & Big) != 0 ? "DS  " : "DS16")} [{Letter(flags, Conforming, 'E')}{Letter(flags, Readable, 'W')}{Letter(flags, Accessed, 'A')}]");
        }
        text.Append("\r\n");
    }

    private static char Letter(uint flags, uint bit, char letter) => (flags & bit) != 0 ? letter : '-';

    private static string Number(ulong value, bool isLong) => isLong ? $"{value:x16}" : $"{(uint)value:x8}";

    /// <summary>The legacy region of the extended save area (Intel SDM vol. 1, table 10-2).</summary>
    private static void Vectors(ReadOnlySpan<byte> area, StringBuilder text)
    {
        const int Tags = 4, Control = 24, Stack = 32, Xmm = 160, Slot = 16;
        ushort status = BinaryPrimitives.ReadUInt16LittleEndian(area[2..]);
        text.Append($"FCW={BinaryPrimitives.ReadUInt16LittleEndian(area):x4} FSW={status:x4} [ST={status >> 11 & 7}] FTW={area[Tags]:x2} MXCSR={BinaryPrimitives.ReadUInt32LittleEndian(area[Control..]):x8}\r\n");
        for (int i = 0; i < 8; i++)
        {
            ReadOnlySpan<byte> at = area.Slice(Stack + (i * Slot), Slot);
            text.Append($"FPR{i}={BinaryPrimitives.ReadUInt64LittleEndian(at):x16} {BinaryPrimitives.ReadUInt16LittleEndian(at[8..]):x4}{(i % 2 == 1 ? "\r\n" : " ")}");
        }
        for (int i = 0; i < 16; i++)
        {
            ReadOnlySpan<byte> at = area.Slice(Xmm + (i * Slot), Slot);
            text.Append($"XMM{i:D2}={BinaryPrimitives.ReadUInt64LittleEndian(at[8..]):x16} {BinaryPrimitives.ReadUInt64LittleEndian(at):x16}{(i % 2 == 1 ? "\r\n" : " ")}");
        }
    }
}
