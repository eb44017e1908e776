using System.Text;
using Hospes.Hypervisor;

namespace Hospes.Builder.Tests.Kit;

/// <summary>Reads what the builder wrote, as a guest would.</summary>
internal static class GuestReading
{
    public static byte[] Bytes(this GuestMemory memory, ulong address, int size)
    {
        byte[] bytes = new byte[size];
        memory.TryRead(address, bytes).ShouldBeTrue($"0x{address:x}");
        return bytes;
    }

    public static uint U32(this GuestMemory memory, ulong address) => BitConverter.ToUInt32(memory.Bytes(address, 4));

    public static ulong U64(this GuestMemory memory, ulong address) => BitConverter.ToUInt64(memory.Bytes(address, 8));

    public static string Text(this GuestMemory memory, ulong address)
    {
        var text = new StringBuilder();
        for (byte[] b; (b = memory.Bytes(address++, 1))[0] != 0;) text.Append((char)b[0]);
        return text.ToString();
    }
}
