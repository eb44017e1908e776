using System.Buffers.Binary;

namespace Hospes.Oracle.Native;

/// <summary>
/// The child's seccomp filter: it may read, write, return from a signal and exit, and only from its own code. Random
/// bytes that turn out to be a system call end in SIGSYS.
/// </summary>
internal static class SystemCallFilter
{
    // linux/bpf_common.h and linux/filter.h: class | size | mode of classic BPF.
    private const ushort LoadWord = 0x20, JumpEqual = 0x15, Return = 0x06;

    // struct seccomp_data { int nr; u32 arch; u64 instruction_pointer; u64 args[6]; } (linux/seccomp.h).
    private const uint Number = 0, Architecture = 4, InstructionPointerHigh = 12;

    // linux/audit.h and linux/seccomp.h.
    private const uint AuditArchX8664 = 0xC000_003E, ReturnTrap = 0x0003_0000, ReturnAllow = 0x7FFF_0000;

    private static readonly (ushort Code, byte True, byte False, uint K)[] Program =
    [
        (LoadWord, 0, 0, Architecture),
        (JumpEqual, 0, 7, AuditArchX8664),
        (LoadWord, 0, 0, InstructionPointerHigh),
        (JumpEqual, 0, 5, (uint)(SharedLayout.HarnessBase >> 32)),
        (LoadWord, 0, 0, Number),
        (JumpEqual, 4, 0, 0),
        (JumpEqual, 3, 0, 1),
        (JumpEqual, 2, 0, 15),
        (JumpEqual, 1, 0, 231),
        (Return, 0, 0, ReturnTrap),
        (Return, 0, 0, ReturnAllow),
    ];

    public static int InstructionCount => Program.Length;

    /// <summary>The filter as the kernel reads it: struct sock_filter { u16 code; u8 jt; u8 jf; u32 k; }.</summary>
    public static byte[] Build()
    {
        var bytes = new byte[Program.Length * 8];
        for (var i = 0; i < Program.Length; i++)
        {
            var at = bytes.AsSpan(i * 8);
            BinaryPrimitives.WriteUInt16LittleEndian(at, Program[i].Code);
            at[2] = Program[i].True;
            at[3] = Program[i].False;
            BinaryPrimitives.WriteUInt32LittleEndian(at[4..], Program[i].K);
        }

        return bytes;
    }
}
