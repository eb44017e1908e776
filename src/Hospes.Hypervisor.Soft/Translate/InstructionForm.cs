namespace Hospes.Hypervisor.Soft.Translate;

/// <summary>The parts of one encoded 64-bit instruction (Intel SDM vol. 2, chapter 2). Made from bytes that have been decoded successfully before.</summary>
internal ref struct InstructionForm
{
    /// <summary>Whether the operand-size prefix is there.</summary>
    public bool HasOperandSize;

    /// <summary>F2, F3, or 0.</summary>
    public byte Repeat;

    /// <summary>The REX prefix, or 0.</summary>
    public byte Rex;

    /// <summary>0 for one-byte opcodes, 1 for 0F, 2 for 0F 38, 3 for 0F 3A.</summary>
    public byte Map;

    public byte Opcode;

    /// <summary>Whether a VEX prefix is there; then <see cref="VexLast"/> has W, vvvv, L and pp as in the third byte of its long form.</summary>
    public bool IsVex;

    public byte VexLast;

    public bool HasModRm;

    /// <summary>ModRM's fields, extended by REX or VEX.</summary>
    public byte Mod, Reg, Rm;

    /// <summary>Immediate bytes.</summary>
    public ReadOnlySpan<byte> Immediate;

    /// <summary>The register that VEX.vvvv names.</summary>
    public readonly int Vvvv => ~VexLast >> 3 & 15;

    /// <summary>REX.W or VEX.W.</summary>
    public readonly bool IsWide => IsVex ? (VexLast & 0x80) != 0 : (Rex & 8) != 0;

    /// <summary>Takes the bytes of one instruction apart.</summary>
    public static InstructionForm Parse(ReadOnlySpan<byte> bytes)
    {
        var form = default(InstructionForm);
        int at = 0;
        while (true)
        {
            byte prefix = bytes[at];
            bool isRex = (prefix & 0xF0) == 0x40;
            if (prefix == 0x66) form.HasOperandSize = true;
            else if (prefix is 0xF2 or 0xF3) form.Repeat = prefix;
            else if (!isRex && prefix is not (0x26 or 0x2E or 0x36 or 0x3E or 0x64 or 0x65 or 0x67 or 0xF0)) break;
            // Only a REX that stands right before the opcode counts (SDM vol. 2, 2.2.1).
            form.Rex = isRex ? prefix : (byte)0;
            at++;
        }
        if (bytes[at] is 0xC4 or 0xC5) form.ParseVex(bytes, ref at);
        else form.ParseOpcode(bytes, ref at);
        form.HasModRm = HasModRmByte(form.Map, form.Opcode);
        if (form.HasModRm) form.ParseModRm(bytes, ref at);
        form.Immediate = bytes[at..];
        return form;
    }

    private void ParseVex(ReadOnlySpan<byte> bytes, ref int at)
    {
        IsVex = true;
        if (bytes[at] == 0xC5)
        {
            byte only = bytes[at + 1];
            Rex = (byte)(0x40 | (~only >> 7 & 1) << 2);
            VexLast = (byte)(only & 0x7F);
            Map = 1;
            at += 2;
        }
        else
        {
            byte first = bytes[at + 1];
            Rex = (byte)(0x40 | ~first >> 5 & 7);
            Map = (byte)(first & 0x1F);
            VexLast = bytes[at + 2];
            at += 3;
        }
        Opcode = bytes[at++];
    }

    private void ParseOpcode(ReadOnlySpan<byte> bytes, ref int at)
    {
        Opcode = bytes[at++];
        if (Opcode != 0x0F) return;
        Map = 1;
        Opcode = bytes[at++];
        if (Opcode is not (0x38 or 0x3A)) return;
        Map = (byte)(Opcode == 0x38 ? 2 : 3);
        Opcode = bytes[at++];
    }

    private void ParseModRm(ReadOnlySpan<byte> bytes, ref int at)
    {
        byte modRm = bytes[at++];
        Mod = (byte)(modRm >> 6);
        Reg = (byte)(modRm >> 3 & 7 | (Rex & 4) << 1);
        Rm = (byte)(modRm & 7 | (Rex & 1) << 3);
        if (Mod == 3) return;
        int displacement = Mod switch { 1 => 1, 2 => 4, _ => (modRm & 7) == 5 ? 4 : 0 };
        if ((modRm & 7) == 4)
        {
            byte sib = bytes[at++];
            if (Mod == 0 && (sib & 7) == 5) displacement = 4;
        }
        at += displacement;
    }

    private static bool HasModRmByte(int map, byte opcode) => map switch
    {
        0 => opcode < 0x40 ? (opcode & 7) < 4
            : opcode is 0x63 or 0x69 or 0x6B or (>= 0x80 and <= 0x8F) or 0xC0 or 0xC1 or 0xC6 or 0xC7 or (>= 0xD0 and <= 0xD3)
                or (>= 0xD8 and <= 0xDF) or 0xF6 or 0xF7 or 0xFE or 0xFF,
        1 => opcode is not ((>= 0x05 and <= 0x09) or 0x0B or 0x0E or (>= 0x30 and <= 0x37) or 0x77 or (>= 0x80 and <= 0x8F) or (>= 0xA0 and <= 0xA2)
            or (>= 0xA8 and <= 0xAA) or (>= 0xC8 and <= 0xCF)),
        _ => true,
    };
}
