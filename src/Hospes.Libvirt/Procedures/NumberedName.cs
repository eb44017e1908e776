namespace Hospes.Libvirt.Procedures;

/// <summary>The names of a statistic that there is once for each device, with the device's number in the middle. Thread-safe; those of the first devices are made once.</summary>
internal sealed class NumberedName(string group, string value)
{
    private readonly string?[] _made = new string?[64];

    public string this[int index] => index < _made.Length ? _made[index] ??= Make(index) : Make(index);

    private string Make(int index) => $"{group}.{index}.{value}";
}
