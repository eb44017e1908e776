using Iced.Intel;

namespace Hospes.Oracle.Generate;

/// <summary>What is known of a case besides its bytes: the instructions, and what of the result means nothing.</summary>
internal sealed class OracleCase
{
    public List<Instruction> Instructions { get; } = [];

    /// <summary>Bits of RFLAGS and of the x87 status word that are undefined after each of the instructions.</summary>
    public List<(ulong Flags, ushort Status)> Undefined { get; } = [];

    /// <summary>Bytes of the window that are not compared, as offset and length.</summary>
    public List<(int Offset, int Length)> IgnoredWindow { get; } = [];

    /// <summary>The last instruction that had to do with the state after the case: the one at RIP when it faulted, else the last.</summary>
    public int Last(ulong rip)
    {
        for (var i = 0; i < Instructions.Count; i++)
        {
            if (Instructions[i].IP == rip)
            {
                return i;
            }
        }

        return Instructions.Count - 1;
    }

    /// <summary>What is undefined when that instruction was the last; it may have done its work or not.</summary>
    public (ulong Flags, ushort Status) UndefinedAt(int last)
    {
        if (last < 0)
        {
            return default;
        }

        var (flags, status) = Undefined[last];
        if (last == 0)
        {
            return (flags, status);
        }

        var before = Undefined[last - 1];
        return (flags | before.Flags, (ushort)(status | before.Status));
    }

    public bool IsIgnored(int offset)
    {
        foreach (var (start, length) in IgnoredWindow)
        {
            if (offset - start >= 0 && offset - start < length)
            {
                return true;
            }
        }

        return false;
    }

    public void Clear()
    {
        Instructions.Clear();
        Undefined.Clear();
        IgnoredWindow.Clear();
    }
}
