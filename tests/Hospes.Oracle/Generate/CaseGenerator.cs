using Hospes.Oracle.Native;
using Iced.Intel;

namespace Hospes.Oracle.Generate;

/// <summary>Turns (seed, family, number) into a case.</summary>
internal sealed class CaseGenerator
{
    private const int MaxInstructionLength = 15;
    private static readonly byte[] LegacyPrefixes = [0x66, 0xF2, 0xF3, 0x67, 0x2E, 0x36, 0x3E, 0x26, 0x64, 0x65, 0xF0];

    private readonly Catalog _catalog;
    private readonly bool _hasFsGsBase;
    private readonly byte[] _buffer = new byte[64];

    public CaseGenerator(Catalog catalog, bool hasFsGsBase)
    {
        _catalog = catalog;
        _hasFsGsBase = hasFsGsBase;
    }

    /// <summary>One instruction with anything as its operands.</summary>
    public void Single(ref Randomness random, IReadOnlyList<Code> codes, ref CaseSlot slot, OracleCase description)
    {
        while (true)
        {
            description.Clear();
            var code = codes[random.Below(codes.Count)];
            var rip = PlaceFor(ref random);
            var instruction = InstructionBuilder.Build(ref random, code, InstructionBuilder.Addressing.Any, rip);
            if (Encode(ref random, instruction, rip) is not (> 0 and var length))
            {
                continue;
            }

            if (random.Chance(8))
            {
                length = Mutate(ref random, length);
            }

            if (Finish(ref random, rip, length, Content.FlavourOf(code), ref slot, description))
            {
                return;
            }
        }
    }

    /// <summary>Bytes at random in the shape of an instruction; most decode to something, the others must be #UD.</summary>
    public void Soup(ref Randomness random, ref CaseSlot slot, OracleCase description)
    {
        while (true)
        {
            description.Clear();
            var rip = PlaceFor(ref random);
            var length = 0;
            while (random.Chance(35) && length < 4)
            {
                _buffer[length++] = random.Pick<byte>(LegacyPrefixes);
            }

            if (random.Chance(40))
            {
                _buffer[length++] = (byte)(0x40 | random.Below(16));
            }

            switch (random.Below(8))
            {
                case < 3:
                    break;
                case < 5:
                    _buffer[length++] = 0x0F;
                    break;
                case 5:
                    _buffer[length++] = 0x0F;
                    _buffer[length++] = (byte)(random.Chance(50) ? 0x38 : 0x3A);
                    break;
                case 6:
                    _buffer[length++] = 0xC5;
                    _buffer[length++] = (byte)random.Next();
                    break;
                default:
                    _buffer[length++] = 0xC4;
                    _buffer[length++] = (byte)((random.Next() & 0xE0) | (uint)(1 + random.Below(3)));
                    _buffer[length++] = (byte)random.Next();
                    break;
            }

            var rest = MaxInstructionLength - length;
            Values.Fill(ref random, Flavour.Random, _buffer.AsSpan(length, rest));
            if (random.Chance(50) && TryDecode(rip, MaxInstructionLength, out var decoded) && decoded.IsInvalid)
            {
                // Half of what is no instruction is enough of it.
                continue;
            }

            if (Finish(ref random, rip, MaxInstructionLength, (Flavour)random.Below((int)Flavour.Random + 1), ref slot, description))
            {
                return;
            }
        }
    }

    /// <summary>Several instructions one after the other, so that what one leaves behind (flags above all) is read by the next.</summary>
    public unsafe void Sequence(ref Randomness random, IReadOnlyList<Code> codes, ref CaseSlot slot, OracleCase description)
    {
        description.Clear();
        var count = 2 + random.Below(29);
        var rip = SharedLayout.CodeBase + (ulong)random.Below(SharedLayout.CodeSize - SharedLayout.MaxCodeLength);
        slot.CodeStart = (int)(rip - SharedLayout.CodeBase);
        slot.CodeLength = 0;
        var undefined = RflagsBits.None;
        var flavour = Flavour.Quadwords;
        while (description.Instructions.Count < count)
        {
            var code = codes[random.Below(codes.Count)];
            if (code.FlowControl() != FlowControl.Next || Deviations.IsUnfitForSequence(code))
            {
                continue;
            }

            var at = rip + (ulong)slot.CodeLength;
            var built = InstructionBuilder.Build(ref random, code, InstructionBuilder.Addressing.Fixed, at);
            if (Encode(ref random, built, at) is not (> 0 and var length) || !TryDecode(at, length, out var instruction)
                || (instruction.RflagsRead & undefined) != 0)
            {
                continue;
            }

            if (!Deviations.MayKeepFlags(instruction))
            {
                undefined &= ~instruction.RflagsModified;
            }

            undefined |= instruction.RflagsUndefined | (instruction.Mnemonic is Mnemonic.Rcl or Mnemonic.Rcr ? RflagsBits.OF : RflagsBits.None);
            flavour = Content.FlavourOf(code);
            for (var i = 0; i < length; i++)
            {
                slot.CodeBytes[slot.CodeLength++] = _buffer[i];
            }

            description.Instructions.Add(instruction);
            description.Undefined.Add((Deviations.FlagsOf(undefined), Deviations.StatusOf(undefined)));
        }

        slot.InstructionCount = count;
        slot.Input = default;
        StateBuilder.Randomize(ref random, ref slot.Input, flavour, _hasFsGsBase);
        slot.Input[Greg.Rip] = rip;
        foreach (var instruction in description.Instructions)
        {
            StateBuilder.SettleAlignment(ref slot.Input, instruction);
        }
    }

    private static ulong PlaceFor(ref Randomness random) => SharedLayout.CodeBase + (ulong)(random.Below(32) switch
    {
        // Across the two pages, and at the end of the second, where the fetch may run into nothing.
        < 3 => SharedLayout.PageSize - random.Below(MaxInstructionLength + 1),
        3 => SharedLayout.CodeSize - 1 - random.Below(MaxInstructionLength + 1),
        < 16 => Addresses.TargetsEnd + random.Below(SharedLayout.PageSize - Addresses.TargetsEnd - 32),
        _ => SharedLayout.PageSize + Addresses.TargetsEnd + random.Below(SharedLayout.PageSize - Addresses.TargetsEnd - 32),
    });

    private int Encode(ref Randomness random, in Instruction instruction, ulong rip)
    {
        var writer = new BufferWriter(_buffer);
        var encoder = Encoder.Create(64, writer);
        encoder.PreventVEX2 = random.Chance(30);
        encoder.VEX_WIG = (uint)random.Below(2);
        encoder.VEX_LIG = (uint)random.Below(2);
        return encoder.TryEncode(instruction, rip, out var length, out _) ? (int)length : 0;
    }

    private int Mutate(ref Randomness random, int length)
    {
        switch (random.Below(3))
        {
            case 0 when length < MaxInstructionLength:
                _buffer.AsSpan(0, length).CopyTo(_buffer.AsSpan(1));
                _buffer[0] = random.Pick<byte>(LegacyPrefixes);
                length++;
                break;
            case 1:
                _buffer[random.Below(length)] ^= (byte)(1 << random.Below(8));
                break;
            default:
                _buffer[random.Below(length)] = (byte)random.Next();
                break;
        }

        Values.Fill(ref random, Flavour.Random, _buffer.AsSpan(length, MaxInstructionLength - length));
        return MaxInstructionLength;
    }

    private bool TryDecode(ulong rip, int length, out Instruction instruction)
    {
        var decoder = Decoder.Create(64, new ByteArrayCodeReader(_buffer, 0, length), rip);
        decoder.Decode(out instruction);
        return instruction.IsInvalid || _catalog.IsComparable(instruction.Code);
    }

    private unsafe bool Finish(ref Randomness random, ulong rip, int length, Flavour flavour, ref CaseSlot slot, OracleCase description)
    {
        if (!TryDecode(rip, length, out var instruction) || Deviations.DependsOnVendor(_buffer.AsSpan(0, length), instruction))
        {
            return false;
        }

        if (!instruction.IsInvalid)
        {
            length = instruction.Length;
            if (instruction.Op0Kind == OpKind.NearBranch64 && instruction.NearBranch64 - rip < (ulong)length)
            {
                return false;
            }
        }

        slot.CodeStart = (int)(rip - SharedLayout.CodeBase);
        slot.CodeLength = Math.Min(length, SharedLayout.CodeSize - slot.CodeStart);
        if (instruction.IsInvalid && slot.CodeLength < MaxInstructionLength)
        {
            // How far a processor fetches before it knows that the bytes are no instruction is its own affair.
            return false;
        }

        slot.InstructionCount = 1;
        for (var i = 0; i < slot.CodeLength; i++)
        {
            slot.CodeBytes[i] = _buffer[i];
        }

        slot.Input = default;
        StateBuilder.Randomize(ref random, ref slot.Input, flavour, _hasFsGsBase);
        slot.Input[Greg.Rip] = rip;
        description.Instructions.Add(instruction);
        if (!instruction.IsInvalid)
        {
            StateBuilder.Aim(ref random, ref slot.Input, instruction, flavour);
            if (Deviations.LoadsMakersMxcsr(instruction, ref slot.Input) || Deviations.HasUndefinedResult(instruction, ref slot.Input)
                || EffectiveAddress.HasWildOffset(instruction, ref slot.Input))
            {
                return false;
            }

            foreach (var (offset, size) in Deviations.UncomparedParts(instruction))
            {
                description.IgnoredWindow.Add(((int)(EffectiveAddress.Of(instruction, ref slot.Input) - SharedLayout.WindowBase) + offset, size));
            }

        }

        description.Undefined.Add((Deviations.UndefinedFlags(instruction), Deviations.StatusOf(instruction.RflagsUndefined)));

        return true;
    }

    private sealed class BufferWriter(byte[] buffer) : CodeWriter
    {
        private int _length;

        public override void WriteByte(byte value) => buffer[_length++] = value;
    }
}
