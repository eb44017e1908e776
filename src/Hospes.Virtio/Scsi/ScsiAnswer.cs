namespace Hospes.Virtio;

/// <summary>Status of a command (SAM-5, 5.3.1).</summary>
internal enum ScsiStatus : byte
{
    /// <summary>It was done.</summary>
    Good = 0,

    /// <summary>It was not, and sense data say why.</summary>
    CheckCondition = 2,
}

/// <summary>Sense data: the key, the code and its qualifier (SPC-4, 4.5.6 and 4.5.2).</summary>
/// <param name="Key">What kind of trouble.</param>
/// <param name="Code">Additional sense code.</param>
/// <param name="Qualifier">Additional sense code qualifier.</param>
internal readonly record struct Sense(byte Key, byte Code, byte Qualifier)
{
    /// <summary>Bytes of sense data in the fixed format (SPC-4, 4.5.3).</summary>
    public const int FixedSize = 18;

    private const byte NotReady = 2, MediumError = 3, IllegalRequest = 5, UnitAttention = 6, DataProtect = 7;

    /// <summary>Nothing to tell.</summary>
    public static Sense None => default;

    public static Sense MediumNotPresentTrayClosed => new(NotReady, 0x3A, 0x01);

    public static Sense MediumNotPresentTrayOpen => new(NotReady, 0x3A, 0x02);

    public static Sense ReadError => new(MediumError, 0x11, 0x00);

    public static Sense WriteError => new(MediumError, 0x0C, 0x00);

    public static Sense ParameterListLengthError => new(IllegalRequest, 0x1A, 0x00);

    public static Sense InvalidOperationCode => new(IllegalRequest, 0x20, 0x00);

    public static Sense OutOfRange => new(IllegalRequest, 0x21, 0x00);

    public static Sense InvalidField => new(IllegalRequest, 0x24, 0x00);

    public static Sense UnitNotSupported => new(IllegalRequest, 0x25, 0x00);

    public static Sense InvalidParameter => new(IllegalRequest, 0x26, 0x00);

    public static Sense SavingNotSupported => new(IllegalRequest, 0x39, 0x00);

    public static Sense RemovalPrevented => new(IllegalRequest, 0x53, 0x02);

    public static Sense MediumChanged => new(UnitAttention, 0x28, 0x00);

    public static Sense PowerOn => new(UnitAttention, 0x29, 0x00);

    public static Sense CapacityChanged => new(UnitAttention, 0x2A, 0x09);

    public static Sense WriteProtected => new(DataProtect, 0x27, 0x00);

    /// <summary>Writes it in the fixed format.</summary>
    /// <param name="to"><see cref="FixedSize"/> bytes.</param>
    public void WriteFixed(Span<byte> to)
    {
        const byte Current = 0x70, AdditionalLength = FixedSize - 8;
        to.Clear();
        (to[0], to[2], to[7], to[12], to[13]) = (Current, Key, AdditionalLength, Code, Qualifier);
    }
}

/// <summary>How a command ended.</summary>
/// <param name="Sense">What is wrong; none for a command that was done.</param>
/// <param name="Passed">How many bytes of data passed.</param>
/// <param name="Response">Whether the command was done at all.</param>
/// <param name="IsLost">Whether the initiator's memory did not hold what it said, so that there is nobody to answer.</param>
internal readonly record struct ScsiAnswer(Sense Sense, uint Passed = 0, ScsiResponse Response = ScsiResponse.Done, bool IsLost = false)
{
    /// <summary>Done, and no data passed.</summary>
    public static ScsiAnswer Good => default;

    /// <summary>The initiator's memory did not hold what it said: there is nobody to answer.</summary>
    public static ScsiAnswer Lost => new(default, IsLost: true);

    /// <summary>The command has more data than the buffers hold.</summary>
    public static ScsiAnswer Overrun => new(default, 0, ScsiResponse.Overrun);

    /// <summary>The status that is told.</summary>
    public ScsiStatus Status => Sense == Sense.None ? ScsiStatus.Good : ScsiStatus.CheckCondition;

    /// <summary>A command that was not done.</summary>
    public static implicit operator ScsiAnswer(Sense sense) => new(sense);
}

/// <summary>A command's data: what the initiator sends along and what it is given. A call that answers false means that there is nobody to answer.</summary>
internal interface IScsiData
{
    /// <summary>Bytes that the initiator sends.</summary>
    uint OutLength { get; }

    /// <summary>Bytes that there is room for at the initiator.</summary>
    uint InLength { get; }

    /// <summary>Copies what the initiator sends.</summary>
    /// <param name="at">The first byte.</param>
    /// <param name="to">Where to; within <see cref="OutLength"/>.</param>
    bool Take(uint at, Span<byte> to);

    /// <summary>Gives the initiator data.</summary>
    /// <param name="bytes">The data, within <see cref="InLength"/>, from its beginning.</param>
    bool Give(ReadOnlySpan<byte> bytes);

    /// <summary>Gives the initiator data of a disk.</summary>
    /// <param name="disk">The disk.</param>
    /// <param name="offset">Where on it.</param>
    /// <param name="length">How many bytes, within <see cref="InLength"/>.</param>
    /// <param name="result">How it ended.</param>
    /// <param name="passed">How many bytes were given.</param>
    bool ReadDisk(IBlockBackend disk, long offset, uint length, out BlockResult result, out uint passed);

    /// <summary>Writes what the initiator sends to a disk.</summary>
    /// <param name="disk">The disk.</param>
    /// <param name="offset">Where on it.</param>
    /// <param name="length">How many bytes, within <see cref="OutLength"/>.</param>
    /// <param name="result">How it ended.</param>
    bool WriteDisk(IBlockBackend disk, long offset, uint length, out BlockResult result);
}
