using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using Hospes.Hypervisor;

namespace Hospes.Vmm.Gdb;

/// <summary>
/// A processor's registers as GDB numbers them (its manual, appendix G.5.8, "i386 Features"): the general ones, the x87 and vector registers, the
/// bases of FS and GS, and in a feature of our own the control registers. All are told in the 64-bit layout, whatever mode the processor is in.
/// </summary>
internal static class GdbRegisters
{
    /// <summary>The register that SWAPGS exchanges with the base of GS (Intel SDM vol. 4).</summary>
    private const uint KernelGsBase = 0xC0000102;


    /// <summary>Offsets in the extended save area (Intel SDM vol. 1, tables 10-2 and 13.4): control, stack, SSE, what is in use, upper halves.</summary>
    private const int Tags = 4, Mxcsr = 24, Stack = 32, Xmm = 160, InUse = 512, Upper = 576, Slot = 16;

    /// <summary>GDB's order of the general registers, in encoding order's numbers: AX, BX, CX, DX, SI, DI, BP, SP.</summary>
    private static readonly int[] s_order = [0, 3, 1, 2, 6, 7, 5, 4, 8, 9, 10, 11, 12, 13, 14, 15];

    private static readonly string[] s_names = ["rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "rsp", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15"];

    /// <summary>Segment registers in GDB's order, with their places in encoding order.</summary>
    private static readonly (string Name, int Index)[] s_segments = [("cs", 1), ("ss", 2), ("ds", 3), ("es", 0), ("fs", 4), ("gs", 5)];

    /// <summary>All registers, in the order of their numbers.</summary>
    public static IReadOnlyList<Register> All { get; } = Build();

    /// <summary>The target description.</summary>
    public static string Description { get; } = Describe();

    /// <summary>Reads a register.</summary>
    /// <param name="state">The processor's state.</param>
    /// <param name="register">The register.</param>
    /// <param name="value">Its bytes, the lowest first.</param>
    public static void Read(VcpuState state, Register register, Span<byte> value) => register.Get(state, value[..register.Size]);

    private static List<Register> Build()
    {
        var all = new List<Register>();
        for (int i = 0; i < s_names.Length; i++)
        {
            int at = s_order[i];
            all.Add(Word("core", s_names[i], 8, s_names[i] is "rbp" or "rsp" ? "data_ptr" : "int64", state => state.General[at], (state, value) => state.General[at] = value));
        }
        all.Add(Word("core", "rip", 8, "code_ptr", static state => state.Rip, static (state, value) => state.Rip = value));
        all.Add(Word("core", "eflags", 4, "int32", static state => state.Rflags, static (state, value) => state.Rflags = value));
        foreach ((string name, int at) in s_segments) all.Add(Word("core", name, 4, "int32", state => state.Segments[at].Selector, null));
        for (int i = 0; i < 8; i++) all.Add(Area("core", $"st{i}", 10, "i387_ext", Stack + (i * Slot), 1));
        all.Add(Word("core", "fctrl", 4, "int", static state => BinaryPrimitives.ReadUInt16LittleEndian(state.ExtendedArea), null));
        all.Add(Word("core", "fstat", 4, "int", static state => BinaryPrimitives.ReadUInt16LittleEndian(state.ExtendedArea.AsSpan(2)), null));
        all.Add(Word("core", "ftag", 4, "int", FullTags, null));
        foreach ((string name, int at, int size) in (ReadOnlySpan<(string, int, int)>)[("fiseg", 12, 2), ("fioff", 8, 4), ("foseg", 20, 2), ("fooff", 16, 4), ("fop", 6, 2)])
            all.Add(Word("core", name, 4, "int", state => size == 2 ? BinaryPrimitives.ReadUInt16LittleEndian(state.ExtendedArea.AsSpan(at)) : BinaryPrimitives.ReadUInt32LittleEndian(state.ExtendedArea.AsSpan(at)), null));
        for (int i = 0; i < 16; i++) all.Add(Area("sse", $"xmm{i}", 16, "vec128", Xmm + (i * Slot), 2));
        all.Add(Area("sse", "mxcsr", 4, "int", Mxcsr, 2));
        all.Add(Word("segments", "fs_base", 8, "int64", static state => state.Segments[4].Base, static (state, value) => state.Segments[4].Base = value));
        all.Add(Word("segments", "gs_base", 8, "int64", static state => state.Segments[5].Base, static (state, value) => state.Segments[5].Base = value));
        for (int i = 0; i < 16; i++) all.Add(Area("avx", $"ymm{i}h", 16, "uint128", Upper + (i * Slot), 4));
        all.Add(Word("control", "cr0", 8, "int64", static state => state.Cr0, static (state, value) => state.Cr0 = value));
        all.Add(Word("control", "cr2", 8, "int64", static state => state.Cr2, static (state, value) => state.Cr2 = value));
        all.Add(Word("control", "cr3", 8, "int64", static state => state.Cr3, static (state, value) => state.Cr3 = value));
        all.Add(Word("control", "cr4", 8, "int64", static state => state.Cr4, static (state, value) => state.Cr4 = value));
        all.Add(Word("control", "cr8", 8, "int64", static state => state.Cr8, static (state, value) => state.Cr8 = value));
        all.Add(Word("control", "efer", 8, "int64", static state => state.Efer, static (state, value) => state.Efer = value));
        all.Add(Word("control", "k_gs_base", 8, "int64", static state => state.Msrs.GetValueOrDefault(KernelGsBase), static (state, value) => state.Msrs[KernelGsBase] = value));
        return all;
    }

    private static string Describe()
    {
        var text = new StringBuilder("<?xml version=\"1.0\"?><!DOCTYPE target SYSTEM \"gdb-target.dtd\"><target><architecture>i386:x86-64</architecture>");
        foreach (IGrouping<string, (Register Register, int Number)> feature in All.Select(static (register, number) => (register, number)).GroupBy(static at => at.register.Feature))
        {
            text.Append(CultureInfo.InvariantCulture, $"<feature name=\"{(feature.Key == "control" ? "org.hospes.x86.control" : "org.gnu.gdb.i386." + feature.Key)}\">");
            if (feature.Key == "sse")
            {
                text.Append("<vector id=\"v4f\" type=\"ieee_single\" count=\"4\"/><vector id=\"v2d\" type=\"ieee_double\" count=\"2\"/><vector id=\"v16i8\" type=\"int8\" count=\"16\"/>")
                    .Append("<vector id=\"v8i16\" type=\"int16\" count=\"8\"/><vector id=\"v4i32\" type=\"int32\" count=\"4\"/><vector id=\"v2i64\" type=\"int64\" count=\"2\"/><union id=\"vec128\">")
                    .Append("<field name=\"v4_float\" type=\"v4f\"/><field name=\"v2_double\" type=\"v2d\"/><field name=\"v16_int8\" type=\"v16i8\"/><field name=\"v8_int16\" type=\"v8i16\"/>")
                    .Append("<field name=\"v4_int32\" type=\"v4i32\"/><field name=\"v2_int64\" type=\"v2i64\"/><field name=\"uint128\" type=\"uint128\"/></union>");
            }
            foreach ((Register register, int number) in feature)
                text.Append(CultureInfo.InvariantCulture, $"<reg name=\"{register.Name}\" bitsize=\"{register.Size * 8}\" type=\"{register.Type}\" regnum=\"{number}\"/>");
            text.Append("</feature>");
        }
        return text.Append("</target>").ToString();
    }

    /// <summary>The tag word in its full form, of which the save area has one bit a register (Intel SDM vol. 1, 8.1.7).</summary>
    private static ulong FullTags(VcpuState state)
    {
        ulong full = 0;
        for (int i = 0; i < 8; i++)
        {
            if ((state.ExtendedArea[Tags] >> i & 1) == 0) full |= 3UL << (2 * i);
        }
        return full;
    }

    private static Register Word(string feature, string name, int size, string type, Func<VcpuState, ulong> get, Action<VcpuState, ulong>? set) => new(
        feature, name, size, type,
        (state, value) =>
        {
            Span<byte> whole = stackalloc byte[8];
            BinaryPrimitives.WriteUInt64LittleEndian(whole, get(state));
            whole[..size].CopyTo(value);
        },
        set is null ? null : (state, value) =>
        {
            Span<byte> whole = stackalloc byte[8];
            whole.Clear();
            value.CopyTo(whole);
            set(state, BinaryPrimitives.ReadUInt64LittleEndian(whole));
        });

    /// <summary>A register in the extended save area.</summary>
    /// <param name="feature">The feature that it is of.</param>
    /// <param name="name">Its name.</param>
    /// <param name="size">Its bytes.</param>
    /// <param name="type">Its type.</param>
    /// <param name="at">Where it is.</param>
    /// <param name="component">The bit that says that its component is in use.</param>
    private static Register Area(string feature, string name, int size, string type, int at, byte component) => new(
        feature, name, size, type,
        (state, value) => state.ExtendedArea.AsSpan(at, size).CopyTo(value),
        (state, value) =>
        {
            value.CopyTo(state.ExtendedArea.AsSpan(at));
            state.ExtendedArea[InUse] |= component;
        });

    /// <summary>Reads a register's bytes.</summary>
    internal delegate void Getter(VcpuState state, Span<byte> value);

    /// <summary>Writes a register's bytes.</summary>
    internal delegate void Setter(VcpuState state, ReadOnlySpan<byte> value);

    /// <summary>A register.</summary>
    /// <param name="Feature">The last part of its feature's name.</param>
    /// <param name="Name">Its name.</param>
    /// <param name="Size">Its bytes.</param>
    /// <param name="Type">Its type in the description.</param>
    /// <param name="Get">Reads it.</param>
    /// <param name="Set">Writes it; null for one that a debugger does not change.</param>
    internal sealed record Register(string Feature, string Name, int Size, string Type, Getter Get, Setter? Set);
}
